# Digits of pi, one by one, by Gibbons' unbounded spigot: pi = (1 + 1/3 (2 + 2/5 (2 + 3/7 (...)))), kept as the
# fraction (q x + r) / t whose integer part is printed as soon as x = 3 and x = 4 agree on it.
import sys

count = int(sys.argv[1])
q, r, t, term = 1, 0, 1, 1
line = []
while count:
    low = (3 * q + r) // t
    if (4 * q + r) // t == low:
        line.append(str(low))
        count -= 1
        q, r = 10 * q, 10 * (r - low * t)
        if len(line) == 50 or not count:
            print("".join(line), flush=True)
            line = []
    else:
        odd = 2 * term + 1
        q, r, t = q * term, (2 * q + r) * odd, t * odd
        term += 1
