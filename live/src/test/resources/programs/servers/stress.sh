# Stressors that check their own results, several at once: stress-ng says whether one of them saw a wrong byte. Its
# mq is left out: it waits until an hour of the wall clock just after its end, and that passes while nothing runs.
mkdir -p work
stress-ng --quiet --verify --temp-path "$PWD/work" --oom-avoid \
  --timeout 10 --cpu 1 --cpu-method crc16 --vm 1 --vm-bytes 24m --pipe 1 --sem 1 --futex 1 --hdd 1 \
  --hdd-bytes 8m --eventfd 1 --timerfd 1 > stress.log 2>&1
echo "verified $?"
