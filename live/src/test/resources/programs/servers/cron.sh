# A cron daemon with a job every second: it sleeps until the next, and runs each in a child of its own.
echo "(job '(next-second) \"sh $PWD/job.sh\")" > jobs.guile
echo "echo job >> $PWD/ran" > job.sh
GUILE_AUTO_COMPILE=0 HOME=$PWD mcron jobs.guile > cron.log 2>&1 &
until [ "$(cat ran 2> /dev/null | wc -l)" -ge 8 ]; do sleep 0.1; done
kill $!
wait $!
echo "ended $?"
sort -u ran
