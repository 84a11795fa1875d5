# The runner: PID 1 of the stage container, inlined as `/bin/sh -c RUNNER runner BASE`; the image holds nothing of ours.
# Built-ins, `sleep` and `kill` only. Protocol: docs/design/0001. Works in dash, busybox ash and bash.
base=$1
io=$base/io
stage= run=0 pid= supervisor= timer= stopping=

# The doorbell is rung after the event is in the file: whoever wakes up finds it there. A full disk delays it.
emit() {
    until printf '%s\n' "$1" >>"$io/events"; do
        sleep 1
    done 2>/dev/null
    printf . >&3
}

# A stop may come before the supervisor has told the stage's process id.
terminate() {
    stopping=1
    [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null
}

on_term() {
    emit 'signalled TERM'
    terminate
}

# The supervisor tells by the control FIFO, so that one loop handles everything in order. No child holds the
# doorbell: its end-of-file must mean that this very process is dead.
start() {
    stage=$1 run=$2 pid=
    (
        /bin/sh "$base/stages/$1/run.sh" 4>&- &
        printf 'pid %s %s\n' "$2" $! >&4
        wait $!
        printf 'ended %s %s\n' "$2" $? >&4
    ) 3>&- &
    supervisor=$!
    emit "started $stage $run"
}

# What the stage left running would disturb the next one.
sweep() {
    [ $$ -ne 1 ] || kill -KILL -1 2>/dev/null
}

ended() {
    wait "$supervisor"
    [ -z "$timer" ] || kill -KILL "$timer" 2>/dev/null
    sweep
    emit "exited $stage $run $1"
    stage= pid= supervisor= timer=
}

stop_within() {
    terminate
    [ -z "$timer" ] || return
    run_at=$run
    (
        sleep "$1"
        printf 'kill %s\n' "$run_at" >&4
    ) 3>&- >/dev/null 2>&1 &
    timer=$!
}

# As PID 1 this spares us. Elsewhere the group includes us, so everything is said before.
kill_stage() {
    if [ $$ -eq 1 ]; then
        kill -KILL -1 2>/dev/null
        ended 137
    else
        emit "exited $stage $run 137"
        emit bye
        kill -KILL 0
    fi
}

until [ -p "$io/doorbell" ] && [ -p "$io/control" ]; do
    sleep 0.02 2>/dev/null || sleep 1
done
# Opened for both directions: neither blocks, no write fails while the agent is away, nothing written is lost.
exec 3<>"$io/doorbell" 4<>"$io/control"
trap on_term TERM
emit ready

while :; do
    # A signal interrupts `read`; what it had read so far was nothing, for lines come whole.
    read -r word first second <&4 || continue
    case $word in
    run) [ -n "$stage" ] || [ -n "$stopping" ] || [ "$second" -le "$run" ] || start "$first" "$second" ;;
    pid)
        [ "$first" != "$run" ] || [ -z "$stage" ] || pid=$second
        [ -z "$stopping" ] || terminate
        ;;
    ended) [ "$first" != "$run" ] || [ -z "$stage" ] || ended "$second" ;;
    stop) [ -z "$stage" ] || stop_within "$first" ;;
    kill) [ "$first" != "$run" ] || [ -z "$stage" ] || kill_stage ;;
    # Reaps orphans that PID 1 inherited. A stage that kills all it can takes the supervisor along;
    # what that one may have told stands in the FIFO already, before this.
    ping)
        jobs >/dev/null 2>&1
        [ -z "$stage" ] || kill -0 "$supervisor" 2>/dev/null || printf 'ended %s 137\n' "$run" >&4
        ;;
    quit) break ;;
    esac
done
emit bye
exit "$first"
