#!/usr/bin/env bash
# Installs, upgrades, rolls back and removes Wirewatch on a host with systemd; needs root.
#
#   install.sh install [--from WHAT] [--wheels DIR] [--python PYTHON] [--settle SECONDS] [--no-start] [--dumped]
#                                        also upgrades, and mends what is there
#   install.sh rollback [--with-database]   back to the version before, with the database it had if need be
#   install.sh uninstall [--purge]       data, settings and user stay, unless --purge
#   install.sh status                    what is installed, and how it stands
#
# WHAT is a checkout or unpacked source (the default: the one that this script lies in), a wheel, or anything
# that pip takes. With --wheels nothing is fetched: DIR holds a wheel of every dependency.
#
# Each version has an environment of its own below /opt/wirewatch/versions, and "current" points to one of
# them. A version that does not become ready, or does not stay so for ten seconds, is taken back, and its
# database with it where the schema had changed. Everything may be run again at any time.
set -euo pipefail
umask 022

readonly ROOT=/opt/wirewatch VERSIONS=/opt/wirewatch/versions CURRENT=/opt/wirewatch/current
readonly STATE=/var/lib/wirewatch SETTINGS=/etc/wirewatch/wirewatch.toml
readonly UNITS=/usr/local/lib/systemd/system SYSUSERS=/usr/local/lib/sysusers.d TMPFILES=/usr/local/lib/tmpfiles.d
readonly COMMAND=/usr/local/bin/wirewatch
readonly KEEP=3 # versions, the current one included
SETTLE=10

HERE=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
FROM=$(dirname "$HERE") WHEELS="" PYTHON="" START=yes PURGE=no DUMPED=no WITH_DATABASE=no

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --from | --wheels | --python | --settle)
            [ $# -gt 1 ] || fail "$1 needs a value"
            case $1 in
            --from) FROM=$2 ;;
            --wheels) WHEELS=$(readlink -e "$2") || fail "there is no folder $2" ;;
            --python) PYTHON=$2 ;;
            --settle) SETTLE=$2 ;;
            esac
            shift
            ;;
        --no-start) START=no ;;
        --dumped) DUMPED=yes ;;
        --with-database) WITH_DATABASE=yes ;;
        --purge) PURGE=yes ;;
        *) fail "there is no option $1; the head of this script tells what there is" ;;
        esac
        shift
    done
}

check_host() {
    [ "$(id -u)" = 0 ] || fail "needs root"
    [ -d /run/systemd/system ] || fail "needs a running systemd"
    local name
    for name in systemd-sysusers systemd-tmpfiles setpriv flock; do
        command -v "$name" >/dev/null || fail "needs $name"
    done
    # Two at a time would undo each other's work.
    exec 9>/run/lock/wirewatch-install.lock
    flock --nonblock 9 || fail "another install.sh is at work"
}

find_python() {
    local candidate
    # A Python below a home folder is hidden from the units (ProtectHome, RootDirectory): only the system's.
    for candidate in ${PYTHON:-/usr/bin/python3 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            PYTHON=$candidate
            return
        fi
    done
    fail "needs Python 3.11, 3.12 or 3.13 with its venv module (on Debian: apt install python3-venv)"
}

# -- as the daemon ------------------------------------------------------------------------------------------

# Runs a program of a version as the daemon's user, with its folders and credentials.
as_daemon() {
    local version=$1 program=$2 secrets name code=0
    shift 2
    secrets=$(mktemp -d /run/wirewatch-secrets.XXXXXX)
    for name in database http.proxy; do
        [ ! -f "/etc/credstore/wirewatch.$name" ] || cp "/etc/credstore/wirewatch.$name" "$secrets/$name"
    done
    chown -R wirewatch: "$secrets"
    chmod -R u=rX,go= "$secrets"
    (cd / && env -i PATH=/usr/bin:/bin HOME=$STATE LANG=C.UTF-8 STATE_DIRECTORY=$STATE \
        BACKUPS_DIRECTORY=/var/backups/wirewatch \
        CREDENTIALS_DIRECTORY="$secrets" PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 \
        setpriv --reuid=wirewatch --regid=wirewatch --init-groups --no-new-privs \
        "$version/bin/$program" "$@") 9>&- || code=$?
    rm -rf "$secrets"
    return $code
}

# -- a version ----------------------------------------------------------------------------------------------

pip_from() { # pip's options for where packages come from
    if [ -n "$WHEELS" ]; then printf -- '--no-index\n--find-links\n%s\n' "$WHEELS"; fi
}

# Makes the environment of what is to be installed, unless it is there already; sets VERSION to its folder.
make_version() {
    local work wheel options name
    mapfile -t options < <(pip_from)
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$work'" EXIT
    if [ -f "$FROM" ] && [ "${FROM%.whl}" != "$FROM" ]; then
        wheel=$FROM
    else
        "$PYTHON" -m venv "$work/build"
        "$work/build/bin/python" -m pip --disable-pip-version-check wheel --quiet --no-deps \
            "${options[@]}" --wheel-dir "$work/wheel" "$FROM"
        wheel=$(echo "$work"/wheel/wirewatch-*.whl)
    fi
    [ -f "$wheel" ] || fail "$FROM is no Wirewatch"
    name=$(basename "$wheel" | cut -d- -f2)-$(sha256sum "$wheel" | cut -c1-10)
    VERSION=$VERSIONS/$name
    if [ ! -e "$VERSION/.complete" ]; then
        say "making $VERSION"
        rm -rf "$VERSION"
        mkdir -p "$VERSIONS"
        "$PYTHON" -m venv "$VERSION"
        "$VERSION/bin/python" -m pip --disable-pip-version-check install --quiet "${options[@]}" "$wheel"
        mkdir -p "$VERSION/share"
        cp -R "$HERE" "$VERSION/share/deploy"
        "$VERSION/bin/wirewatch" --version >/dev/null
        touch "$VERSION/.complete"
    fi
    rm -rf "$work"
    trap - EXIT
}

current() { readlink -e "$CURRENT" || true; }

# Points to a version, and puts its units in place.
switch_to() {
    local version=$1 deploy=$1/share/deploy
    ln -sfn "$version" "$ROOT/.current"
    mv -T "$ROOT/.current" "$CURRENT"
    remove_units
    install -D -m 644 -t "$UNITS" "$deploy"/systemd/wirewatch*
    if [ "$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')" -ge 253 ]; then
        # A reload that systemctl waits for; older managers do not know the type.
        install -D -m 644 -t "$UNITS/wirewatch.service.d" "$deploy/systemd/notify-reload.conf"
        install -D -m 644 -t "$UNITS/wirewatch-worker@.service.d" "$deploy/systemd/notify-reload.conf"
    fi
    install -D -m 644 -t "$SYSUSERS" "$deploy/sysusers.d/wirewatch.conf"
    install -D -m 644 -t "$TMPFILES" "$deploy/tmpfiles.d/wirewatch.conf"
    install -D -m 755 "$deploy/wirewatch" "$COMMAND"
    systemd-sysusers "$SYSUSERS/wirewatch.conf"
    systemd-tmpfiles --create "$TMPFILES/wirewatch.conf"
    # Every setting at its default, as this very version has them.
    [ -e "$SETTINGS" ] || "$version/bin/wirewatch" config --example >"$SETTINGS"
    systemctl daemon-reload
}

remove_units() {
    rm -f "$UNITS"/wirewatch*.service "$UNITS"/wirewatch*.socket "$UNITS"/wirewatch*.timer
    rm -rf "$UNITS/wirewatch.service.d" "$UNITS/wirewatch-worker@.service.d"
}

# Removes the oldest versions, never the current one or the one before it.
prune() {
    local now before version
    now=$(current)
    before=$(head -n 1 "$ROOT/previous" 2>/dev/null || true)
    # By the time of completion, the newest first.
    find "$VERSIONS" -mindepth 2 -maxdepth 2 -name .complete -printf '%T@ %h\n' | sort -rn | cut -d' ' -f2 |
        tail -n +$((KEEP + 1)) | while read -r version; do
        [ "$version" = "$now" ] || [ "$version" = "$before" ] || rm -rf "$version"
    done
}

# -- running ------------------------------------------------------------------------------------------------

running() { # the units of ours that are up, sockets and timers before services
    systemctl list-units --plain --no-legend --state=active,activating,reloading \
        'wirewatch*.socket' 'wirewatch*.timer' 'wirewatch*.service' |
        awk '$1 != "wirewatch-backup.service" {print $1}'
}

start() { # each unit becomes ready, and stays so
    local unit restarts
    [ $# -gt 0 ] || return 0
    systemctl reset-failed "$@" 2>/dev/null || true
    for unit in "$@"; do
        # The daemon before all others: they want the schema that it makes.
        [ "$unit" != wirewatch.service ] || systemctl start "$unit" || return 1
    done
    systemctl start "$@" || return 1
    restarts=$(restarts_of "$@")
    sleep "$SETTLE"
    for unit in "$@"; do
        systemctl is-active --quiet "$unit" || return 1
    done
    [ "$restarts" = "$(restarts_of "$@")" ]
}

restarts_of() { systemctl show -p NRestarts --value "$@" | paste -sd+; }

# -- the database before an upgrade -------------------------------------------------------------------------

# Looks whether a version would change the schema; sets ENGINE, SCHEMA, PENDING (a number) and DATABASE.
look_at_database() {
    local told
    told=$(as_daemon "$1" wirewatch migrate --pending --json) ||
        fail "the database cannot be used by $(basename "$1"); nothing was changed"
    { read -r ENGINE && read -r SCHEMA && read -r PENDING && read -r DATABASE; } < <("$PYTHON" -c '
import json, sys
told = json.load(sys.stdin)
print(told["engine"], told["schema"] or "none", len(told["pending"]), told["database"], sep="\n")' <<<"$told")
    if [ "$PENDING" = 0 ] || [ "$SCHEMA" = none ]; then
        PENDING=0
    elif [ "$ENGINE" != sqlite ] && [ "$DUMPED" = no ]; then
        fail "the schema of $DATABASE will change, and the way back needs a copy that only you can make:" \
            "run pg_dump, then this again with --dumped; nothing was changed"
    fi
}

# Copies the database, while nothing of ours runs, beside itself; sets KEPT, "" where there is no need.
keep_database() {
    KEPT=""
    [ "$PENDING" != 0 ] && [ "$ENGINE" = sqlite ] || return 0
    KEPT=$DATABASE.before-$(basename "$VERSION")
    say "the schema changes: keeping the database as $KEPT"
    rm -f "$KEPT" "$KEPT"-*
    as_daemon "$VERSION" python -c '
import sqlite3, sys
source, copy = (sqlite3.connect(name, isolation_level=None) for name in sys.argv[1:])
source.backup(copy)
copy.execute("PRAGMA journal_mode = DELETE")  # one file, that can be moved
sys.exit(copy.execute("PRAGMA quick_check").fetchone() != ("ok",))' "$DATABASE" "$KEPT"
}

# Puts a kept database back in its place; what the newer version made of it stays beside it.
put_back() {
    local database=${1%.before-*} suffix
    rm -f "$database.failed-upgrade" "$database.failed-upgrade-wal"
    for suffix in "" -wal; do
        [ ! -e "$database$suffix" ] || mv "$database$suffix" "$database.failed-upgrade$suffix"
    done
    rm -f "$database-shm"
    mv "$1" "$database"
}

# -- what the script is called for ----------------------------------------------------------------------------

install_version() {
    local before units
    check_host
    find_python
    make_version
    before=$(current)
    if [ -z "$before" ]; then
        switch_to "$VERSION"
        say "installed $(basename "$VERSION")"
        [ "$START" = yes ] || return 0
        systemctl enable --quiet wirewatch.service
        systemctl enable --quiet --now wirewatch-backup.timer
        start wirewatch.service || fail "it did not become ready; see: journalctl -u wirewatch -e"
        say "$(systemctl show -p StatusText --value wirewatch.service)"
        return 0
    fi
    as_daemon "$VERSION" wirewatch config >/dev/null ||
        fail "the settings do not suit the new version; nothing was changed"
    if [ "$before" = "$VERSION" ]; then
        switch_to "$VERSION"
        say "$(basename "$VERSION") is installed already"
        return 0
    fi
    look_at_database "$VERSION"
    mapfile -t units < <(running)
    [ ${#units[@]} -eq 0 ] || systemctl stop "${units[@]}"
    if ! keep_database; then
        start "${units[@]}"
        fail "the database could not be kept; $(basename "$before") runs on"
    fi
    switch_to "$VERSION"
    # With the copy made above, the migration need not make a backup of its own.
    if { [ -z "$KEPT" ] || as_daemon "$VERSION" wirewatch migrate --no-backup; } && start "${units[@]}"; then
        printf '%s\n%s\n' "$before" "$KEPT" >"$ROOT/previous"
        [ "$ENGINE" != sqlite ] || find "$(dirname "$DATABASE")" -maxdepth 1 \
            -name "$(basename "$DATABASE").before-*" ! -path "$KEPT" -delete
        prune
        # A version from before there were backups; else it is as the administrator left it.
        [ -e "$before/share/deploy/systemd/wirewatch-backup.timer" ] ||
            systemctl enable --quiet --now wirewatch-backup.timer
        say "upgraded from $(basename "$before") to $(basename "$VERSION")"
        return 0
    fi
    say "$(basename "$VERSION") did not become ready and stay so; its last words:"
    journalctl --no-pager -o cat -n 6 -u 'wirewatch*' || true
    go_back "$before" "$KEPT" "${units[@]}"
    rm -rf "$VERSION"
    fail "rolled back: $(basename "$before") runs again"
}

go_back() { # to a version, with its kept database or "", and the units to start
    local version=$1 kept=$2
    shift 2
    [ $# -eq 0 ] || systemctl stop "$@"
    [ -z "$kept" ] || put_back "$kept"
    switch_to "$version"
    start "$@" || fail "$(basename "$version") does not run either; see: journalctl -u wirewatch -e"
}

roll_back() {
    local now before kept units
    check_host
    now=$(current)
    [ -e "$ROOT/previous" ] || fail "there is no version to go back to"
    { read -r before && read -r kept; } <"$ROOT/previous"
    [ -e "$before/.complete" ] || fail "there is no $before any more"
    [ -z "$kept" ] || [ -e "$kept" ] || fail "there is no $kept any more"
    if [ -n "$kept" ] && [ "$WITH_DATABASE" = no ]; then
        fail "$(basename "$before") needs the database of before the upgrade: what came since would be missing." \
            "Run this again with --with-database if that is wanted; nothing was changed"
    fi
    mapfile -t units < <(running)
    go_back "$before" "$kept" "${units[@]}"
    rm -f "$ROOT/previous"
    say "back from $(basename "$now") to $(basename "$before")"
}

uninstall() {
    local units
    check_host
    mapfile -t units < <(running)
    [ ${#units[@]} -eq 0 ] || systemctl stop "${units[@]}"
    for unit in "$UNITS"/wirewatch*; do
        case $unit in *@.service | *.d) ;; *) systemctl disable --quiet "$(basename "$unit")" 2>/dev/null || true ;; esac
    done
    remove_units
    rm -rf "$ROOT" "$COMMAND" "$SYSUSERS/wirewatch.conf" "$TMPFILES/wirewatch.conf" /run/wirewatch-root
    systemctl daemon-reload
    systemctl reset-failed 'wirewatch*' 2>/dev/null || true
    if [ "$PURGE" = yes ]; then
        rm -rf "$STATE" /var/cache/wirewatch /var/backups/wirewatch /etc/wirewatch /etc/credstore/wirewatch.* \
            /etc/systemd/system/wirewatch*.d
        ! getent passwd wirewatch >/dev/null || userdel wirewatch
        say "removed, with all data"
    else
        say "removed; data in $STATE and /var/backups/wirewatch, settings in /etc/wirewatch and the user stay"
    fi
}

show_status() {
    local now
    now=$(current)
    [ -n "$now" ] || fail "is not installed"
    say "version $(basename "$now"); installed: $(cd "$VERSIONS" && echo *)"
    systemctl list-units --all --plain --no-legend 'wirewatch*' | awk '{print $1, $3, $4}'
}

word=${1:-}
[ $# -eq 0 ] || shift
read_arguments "$@"
case $word in
install | upgrade) install_version ;;
rollback) roll_back ;;
uninstall) uninstall ;;
status) show_status ;;
*)
    sed -n '2,18s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
