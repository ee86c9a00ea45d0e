#!/usr/bin/env bash
# Runs inside the box (boot.sh): installs Wirewatch from scratch as an administrator would, and looks at what the
# units do. /mnt/deploy is the repository's deploy/, /mnt/wheels holds wheels: the dependencies' and three versions,
# 0.1.0 (as it is), 0.2.0 (with one migration more) and 0.3.0 (migrates once more, then never becomes ready).
set -u
readonly UNIT=wirewatch.service STATE=/var/lib/wirewatch
failed=0

check() { # what, then a command that must succeed
    local what=$1
    shift
    if "$@" >/tmp/said 2>&1; then echo "ok   $what"; else
        failed=$((failed + 1))
        echo "FAIL $what"
        sed 's/^/     | /' /tmp/said | tail -30
    fi
}
refuses() { ! "$@"; }
show() { systemctl show -p "$1" --value "${2:-$UNIT}"; }
within() { # seconds, then a command that must succeed by then
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || { "$@"; return 1; }
        sleep 0.2
    done
}
installer() { bash /mnt/deploy/install.sh "$@" --wheels /mnt/wheels --settle 4; }
version() { basename "$(readlink /opt/wirewatch/current)" | cut -d- -f1; }
articles() { wirewatch status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["articles"])'; }
schema() { wirewatch migrate --pending --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["schema"])'; }
page() { python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())' "http://127.0.0.1:8077$1"; }
shows() { page "$1" >/tmp/page && grep -q "$2" /tmp/page; } # grep -q alone would close the pipe too soon
equal() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
drop_in() { # unit, name; the text comes on standard input
    mkdir -p "/etc/systemd/system/$1.d"
    cat >"/etc/systemd/system/$1.d/$2.conf"
    systemctl daemon-reload
}

echo "# $(systemctl --version | head -1), Linux $(uname -r), $(python3 --version)"
rm -rf /etc/wirewatch /opt/wirewatch $STATE /usr/local/bin/wirewatch

echo "# install from scratch"
begun=$SECONDS
check "installs" installer install --from /mnt/wheels/wirewatch-0.1.0-py3-none-any.whl
echo "     | $((SECONDS - begun)) s; $(show StatusText)"
check "is ready" systemctl is-active $UNIT
check "says real figures" grep -q '^5 articles, 1 sources' <(show StatusText)
check "starts at boot" systemctl is-enabled $UNIT
check "the page answers and is ready" shows /readyz '"status":"ready"'
check "the page gives metrics" shows /metrics '^wirewatch_ready 1.0'
check "the units are clean" systemd-analyze verify --man=no $UNIT wirewatch-web.service wirewatch-web.socket wirewatch-worker@1.service
echo "     | $(systemd-analyze security --no-pager $UNIT | tail -1)"
check "exposed no more than 1.0" systemd-analyze security --no-pager --threshold=10 $UNIT
check "the command works for root" equal "$(articles)" 5
cd /root || exit 1
check "also in a folder that is closed to the daemon's user" equal "$(articles)" 5
cd / || exit 1
check "and leaves nothing of root's in the data" equal "$(find $STATE ! -user wirewatch | wc -l)" 0
main=$(show MainPID)
check "a second installation" grep -q "is installed already" <(installer install --from /mnt/wheels/wirewatch-0.1.0-py3-none-any.whl)
check "disturbs nothing" equal "$(show MainPID)" "$main"

echo "# what it may write and see"
check "the sandbox holds against the unit's own user" python3 - "$main" <<'PYTHON'
import os, subprocess, sys
main = sys.argv[1]
own = ["nsenter", "-t", main, "-m", "-p", "-r", "setpriv", "--reuid=wirewatch", "--regid=wirewatch", "--clear-groups"]
def may(*command):
    return subprocess.run([*own, *command], capture_output=True).returncode == 0
wrong = [p for p in ("/", "/etc", "/etc/wirewatch", "/usr/bin", "/opt/wirewatch", "/run", "/var", "/var/log") if may("touch", p + "/x")]
wrong += ["not " + p for p in ("/var/lib/wirewatch", "/var/cache/wirewatch", "/tmp") if not may("touch", p + "/x")]
wrong += ["sees " + p for p in ("/root", "/home", "/srv", "/mnt", "/boot", "/var/log", "/run/dbus", "/opt/box") if may("ls", p)]
may("rm", "-f", "/var/lib/wirewatch/x", "/var/cache/wirewatch/x", "/tmp/x")
sys.exit(", ".join(wrong) or 0)
PYTHON
check "wrote nothing outside its folders" equal "$(find /mnt/written /run /tmp -user wirewatch \
    ! -path "/mnt/written$STATE*" ! -path '/mnt/written/var/cache/wirewatch*' ! -path '/mnt/written/var/backups/wirewatch*' \
    ! -path '/run/credentials/*' | paste -sd' ')" ""
echo 127.0.0.7 feeds.example >>/etc/hosts
check "resolves names and knows whom to trust" nsenter -t "$main" -m -r setpriv --reuid=wirewatch --regid=wirewatch --clear-groups \
    sh -c 'getent hosts feeds.example && test -r /etc/ssl/certs/ca-certificates.crt && test -r /etc/resolv.conf'
check "no capability" grep -q '^CapBnd:	0000000000000000' /proc/"$main"/status
check "no new privileges, filtered" grep -q '^Seccomp:	2' /proc/"$main"/status
check "workers go first where memory runs out" bash -c "grep -lq 500 \$(printf '/proc/%s/oom_score_adj ' \$(pgrep -P $main))"

echo "# the journal"
check "entries have priority and fields" python3 - <<'PYTHON'
import json, subprocess, sys
lines = subprocess.run(["journalctl", "-u", "wirewatch", "-o", "json", "--no-pager"], capture_output=True, text=True).stdout
entries = [json.loads(line) for line in lines.splitlines()]
ready = [e for e in entries if str(e.get("MESSAGE", "")).startswith("ready: ")]
sys.exit(0 if ready and ready[0]["PRIORITY"] == "6" and ready[0]["CODE_FUNC"] == "_listen" else str(entries[-3:]))
PYTHON

echo "# folders, reload, secrets"
mkdir -p /srv/documents
printf 'Rain in the North\n\nIt will rain until the end of the week.\n' >/srv/documents/rain.txt
sed 's/-\/srv/\/srv/' /mnt/deploy/systemd/folders.conf | drop_in $UNIT folders
echo http://proxy.example:3128 >/etc/credstore/wirewatch.http.proxy
cat >>/etc/wirewatch/wirewatch.toml <<'TOML'
[[sources]]
path = "/srv/documents"
schedule = "every 2s"
TOML
check "restarts with a folder and a secret" systemctl restart $UNIT
check "reads the folder" within 20 bash -c 'wirewatch articles --json | grep -q "Rain in the North"'
check "the secret is there, for the daemon alone" equal "$(stat -c '%U %a' /run/credentials/$UNIT/http.proxy)" "wirewatch 400"
check "the settings come from it" bash -c 'wirewatch config --json | grep -q "credential"'
sed -i 's/every 2s/every 5s/' /etc/wirewatch/wirewatch.toml
main=$(show MainPID)
check "reloads" systemctl reload $UNIT
check "takes the settings over" within 15 bash -c 'wirewatch sources list --json | grep -q "every 5s"'
echo 'nonsense = 1' >>/etc/wirewatch/wirewatch.toml
systemctl reload $UNIT
check "says why it refuses a reload" within 15 bash -c "systemctl show -p StatusText --value $UNIT | grep -q 'reload was refused'"
check "and runs on" equal "$(show MainPID) $(show ActiveState)" "$main active"
sed -i '$d' /etc/wirewatch/wirewatch.toml
systemctl reload $UNIT

echo "# backups"
check "are made each night" systemctl is-active wirewatch-backup.timer
check "and when asked, while the daemon runs" systemctl start wirewatch-backup.service
backup=$(ls /var/backups/wirewatch/*.tar)
check "for its user alone" equal "$(stat -c '%U %a' "$backup")" "wirewatch 600"
check "whole" wirewatch restore "$backup" --check
check "are not put back under a running daemon" refuses wirewatch restore "$backup" --yes
systemctl stop $UNIT
check "but under one that is stopped" wirewatch restore "$backup" --yes
check "on which it starts" systemctl start $UNIT
check "with all its articles" equal "$(articles)" 6
check "and with what it replaced beside it" test -s $STATE/wirewatch.db.replaced-*
rm -f $STATE/wirewatch.db.replaced-*

echo "# what goes wrong"
printf '[Service]\nWatchdogSec=4\nRestartSec=1\n' | drop_in $UNIT watchdog
systemctl restart $UNIT
main=$(show MainPID)
begun=$SECONDS
kill -STOP "$main"
check "a stuck daemon is killed by the watchdog and started again" within 30 bash -c "[ \$(systemctl show -p NRestarts --value $UNIT) = 1 ] && systemctl is-active $UNIT && [ \$(systemctl show -p MainPID --value $UNIT) != $main ]"
echo "     | $((SECONDS - begun)) s after it was stopped; $(journalctl -u $UNIT --no-pager -o cat -g 'Watchdog timeout' | tail -1)"
check "and says where it stood" within 10 bash -c "journalctl -u $UNIT --no-pager -o cat | grep -q 'Fatal Python error: Aborted'"
main=$(show MainPID)
kill -KILL "$main"
check "a killed daemon is started again" within 30 bash -c "[ \$(systemctl show -p NRestarts --value $UNIT) = 2 ] && systemctl is-active $UNIT"
check "with all its articles" equal "$(articles)" 6
if [ -n "${LONG:-}" ]; then
    main=$(show MainPID)
    begun=$SECONDS
    setpriv --reuid=wirewatch --regid=wirewatch --clear-groups python3 -c "
import sqlite3, time
held = sqlite3.connect('$STATE/wirewatch.db', isolation_level=None)
held.execute('BEGIN IMMEDIATE')
time.sleep(150)" &
    holder=$!
    check "a scheduler without progress, in a process that answers, is killed as well" within 140 bash -c "[ \$(systemctl show -p MainPID --value $UNIT) != $main ]"
    echo "     | $((SECONDS - begun)) s after the database was locked"
    kill $holder
    check "and is ready when the database is" within 60 systemctl is-active $UNIT
fi
python3 -c '
import socket, time
with socket.create_server(("127.0.0.1", 8090)) as silent:
    held = [silent.accept() for _ in range(1000)]' &
silent=$!
sed -i 's/^#stop_deadline = .*/stop_deadline = "4s"/' /etc/wirewatch/wirewatch.toml
systemctl restart $UNIT
check "takes a feed whose server never answers" wirewatch sources add http://127.0.0.1:8090/feed --allow-private --no-check --schedule 'every 1s'
check "waits for it" within 30 bash -c "systemctl show -p StatusText --value $UNIT | grep -q '1 looks in hand'"
begun=$(date +%s%N)
check "stops" systemctl stop $UNIT
took=$((($(date +%s%N) - begun) / 1000000))
check "within the deadline of the settings, not that of the unit" [ $took -lt 9000 ]
kill $silent
wirewatch sources remove --yes 'http://127.0.0.1:8090/*' >/dev/null
echo "     | in $took ms, of 4 s that it may take: $(show Result), exit code $(show ExecMainStatus)"
check "in order" equal "$(show Result) $(show ExecMainStatus)" "success 0"
check "and leaves no process" equal "$(pgrep -u wirewatch | wc -l)" 0

echo "# the page apart"
sed -i 's/^#enabled = true/enabled = false/' /etc/wirewatch/wirewatch.toml
check "the daemon starts without a page" systemctl start $UNIT
check "the page's socket" systemctl enable --now wirewatch-web.socket
check "starts the page when it is asked" shows / "Rain in the North"
check "which is ready" shows /readyz '"status":"ready"'
web=$(show MainPID wirewatch-web.service)
echo "     | $(show StatusText wirewatch-web.service); $(systemd-analyze security --no-pager wirewatch-web.service | tail -1)"
check "has no network" equal "$(nsenter -t "$web" -n ip -o link 2>/dev/null | wc -l)" 1
check "cannot write the database" refuses nsenter -t "$web" -m -r setpriv --reuid=wirewatch --regid=wirewatch --clear-groups touch $STATE/wirewatch.db
printf 'Snow in the South\n\nIt will snow until the end of the week.\n' >/srv/documents/snow.txt
check "shows what the daemon stores" within 20 shows / "Snow in the South"
systemctl stop $UNIT
check "answers while the daemon is away" shows / "Snow in the South"
systemctl start $UNIT
check "and when it is back" shows /readyz '"status":"ready"'

echo "# upgrade, and a version that does not work"
before=$(schema)
check "upgrades" installer install --from /mnt/wheels/wirewatch-0.2.0-py3-none-any.whl
tail -2 /tmp/said | sed 's/^/     | /'
check "runs the new version" equal "$(version) $(show ActiveState)" "0.2.0 active"
check "with the page" shows / "Snow in the South"
check "with a new schema" refuses equal "$(schema)" "$before"
check "with all its articles" equal "$(articles)" 7
changed=$(schema)
check "takes a version back that does not become ready" refuses installer install --from /mnt/wheels/wirewatch-0.3.0-py3-none-any.whl
tail -3 /tmp/said | sed 's/^/     | /'
check "runs the old version again" equal "$(version) $(show ActiveState)" "0.2.0 active"
check "with the database of before" equal "$(schema) $(articles)" "$changed 7"
check "with the page" shows /readyz '"status":"ready"'
check "nothing is left of the broken one" equal "$(ls /opt/wirewatch/versions | cut -d- -f1 | paste -sd' ')" "0.1.0 0.2.0"
check "goes back only knowingly" refuses installer rollback
check "goes back" installer rollback --with-database
check "to the version before" equal "$(version) $(show ActiveState) $(schema)" "0.1.0 active $before"
check "with the articles of then" equal "$(articles)" 7
check "an upgrade that was interrupted" bash -c 'mkdir -p /opt/wirewatch/versions/0.9-half && bash /mnt/deploy/install.sh install --from /mnt/wheels/wirewatch-0.2.0-py3-none-any.whl --wheels /mnt/wheels --settle 4'
check "is no matter" equal "$(version) $(show ActiveState)" "0.2.0 active"

echo "# several processes on PostgreSQL"
programs=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
if [ -n "$programs" ]; then
    install -d -o postgres -m 700 /opt/box/postgres
    install -d -o postgres -m 2775 /run/postgresql
    as_postgres() { runuser -u postgres -- "$@" >/dev/null; }
    as_postgres "$programs/initdb" -D /opt/box/postgres -A peer -E UTF8 --locale=C.UTF-8 --no-sync
    as_postgres "$programs/pg_ctl" -D /opt/box/postgres -w -l /opt/box/postgres/log \
        -o "-c listen_addresses='' -c unix_socket_directories=/run/postgresql -c fsync=off" start
    as_postgres psql -h /run/postgresql -c "CREATE ROLE wirewatch LOGIN" -c "CREATE DATABASE wirewatch OWNER wirewatch"
    echo 'postgresql:///wirewatch?host=/run/postgresql' >/etc/credstore/wirewatch.database
    check "starts on it, known by its user" systemctl restart $UNIT
    check "with workers beside it" systemctl start wirewatch-worker@1 wirewatch-worker@2
    check "reads the folder there" within 30 bash -c 'wirewatch articles --json | grep -q "Snow in the South"'
    check "is on PostgreSQL" bash -c 'wirewatch status --json | grep -q "\"engine\": \"postgresql\""'
    check "the page alone reads it without a network" systemctl restart wirewatch-web.service
    check "and shows it" shows / "Snow in the South"
    echo "     | $(show StatusText wirewatch-worker@1); $(systemd-analyze security --no-pager wirewatch-worker@1.service | tail -1)"
    check "changes no schema that it cannot bring back" refuses installer install --from /mnt/wheels/wirewatch-0.3.0-py3-none-any.whl
    tail -1 /tmp/said | sed 's/^/     | /'
    check "and leaves everything running" systemctl is-active $UNIT wirewatch-worker@1 wirewatch-worker@2 wirewatch-web
    check "stops in order" systemctl stop wirewatch-worker@1 wirewatch-worker@2 $UNIT
    check "all of them" equal "$(show Result wirewatch-worker@1) $(show Result wirewatch-worker@2)" "success success"
    rm /etc/credstore/wirewatch.database
    systemctl start $UNIT
else
    echo "     | left out: there is no PostgreSQL on this machine"
fi

echo "# uninstall"
check "uninstalls" installer uninstall
check "keeps the data" test -s $STATE/wirewatch.db -a -s /etc/wirewatch/wirewatch.toml
check "leaves no unit" equal "$(systemctl list-unit-files --no-legend 'wirewatch*' | wc -l)$(ls -d /opt/wirewatch /usr/local/bin/wirewatch 2>/dev/null)" 0
check "uninstalls twice" installer uninstall
check "installs on the data that is there" installer install --from /mnt/wheels/wirewatch-0.2.0-py3-none-any.whl
check "with all its articles" equal "$(articles)" 7
check "uninstalls for good" installer uninstall --purge
check "and leaves nothing" equal "$(ls -d $STATE /etc/wirewatch /var/cache/wirewatch /var/backups/wirewatch 2>/dev/null)$(getent passwd wirewatch)" ""

echo "# $failed failed"
exit $((failed > 0))
