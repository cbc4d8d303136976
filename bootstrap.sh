#!/bin/sh
# Make or refresh the virtual environment with nothing but a Python and its pip.
#
#   ./bootstrap.sh run       what the service needs (requirements.txt)
#   ./bootstrap.sh dev       that, and what the tests need (requirements-dev.txt)
#   ./bootstrap.sh pythons   only list the Pythons that would do, one of each minor version
#
# VENV names the folder (.venv), PYTHON the interpreter (the newest that does on the PATH). If the
# folder is up to date nothing happens, at once. A run that was interrupted is done again.
set -eu
cd -- "$(dirname -- "$0")"

venv=${VENV:-.venv}
case $venv in /*) ;; *) venv=$PWD/$venv ;; esac
stamp=$venv/bootstrap.stamp
child=

# Prints "yes" or "no" (it cannot make environments), minor version, version and path; or fails.
# An interpreter inside a virtual environment stands for the one that it came from.
probe='
import sys
if sys.implementation.name != "cpython" or not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.exit(1)
try:
    import ensurepip, venv
    able = "yes"
except ImportError:
    able = "no"
print(able, sys.version_info[1], "%d.%d.%d" % sys.version_info[:3], sys._base_executable)
'
in_own_session='import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])'

# pip in a session of its own, with all that it says as one line that changes. Its first argument is
# how many packages there are. Errors stay as they are.
with_progress='
import os, runpy, sys
os.setsid()
packages = sys.argv.pop(1)
class Progress:
    done = 0
    def write(self, text):
        what, _, rest = text.partition("satisfied: " if text.startswith("Requirement ") else " ")
        if what in ("Collecting", "Processing", "Requirement already ") and rest.strip():
            self.done += 1
            name = rest.split()[0].rpartition("/")[2].partition("==")[0]
            self.show("%d of %s: %s" % (self.done, packages, name))
        elif text.startswith("Installing collected packages"):
            self.show("putting them in their places")
        return len(text)
    def show(self, text):
        sys.stderr.write("\033[Kbootstrap: %s\r" % text)
        sys.stderr.flush()
    def flush(self): pass
    def isatty(self): return False
sys.stdout = Progress()
try:
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
finally:
    sys.stderr.write("\033[K")
'

say() { echo "bootstrap: $*" >&2; }
fail() { say "$@"; exit 1; }

# Run a command that a signal to this script ends too. The shell would otherwise die alone, or only
# after the command.
attend() {
    "$@" &
    child=$!
    status=0
    wait "$child" || status=$?
    child=
    return "$status"
}
give_up() {
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        kill -- "-$child" 2>/dev/null || kill "$child" 2>/dev/null || :
        wait "$child" || :
    fi
    exit "$1"
}
trap 'give_up 130' INT
trap 'give_up 143' TERM
trap 'give_up 129' HUP

# Print what the probe says of each candidate, the best first. Each is asked, on every folder of the
# PATH: a name may be a version manager's shim that only prints an error.
probe_all() {
    place=0
    set -f
    IFS=:
    # shellcheck disable=SC2086
    set -- $PATH
    unset IFS
    for folder in "$@"; do
        for name in python3.14 python3.13 python3.12 python3.11 python3; do
            [ -x "$folder/$name" ] || continue
            place=$((place + 1))
            said=$("$folder/$name" -I -c "$probe" 2>/dev/null </dev/null) || continue
            echo "$place $said"
        done
    done | sort -k2,2r -k3,3nr -k1,1n | cut -d ' ' -f 2-
}

# Set `version` and `python` to the interpreter to use.
choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        found=$("$PYTHON" -I -c "$probe" 2>/dev/null </dev/null) ||
            fail "PYTHON=$PYTHON is no Python 3.11 to 3.14 that runs"
    else
        found=$(probe_all | head -n 1)
        [ -n "$found" ] ||
            fail "no Python 3.11 to 3.14 runs here; install one (Debian, Ubuntu: the packages python3 and python3-venv)"
    fi
    # shellcheck disable=SC2086
    read -r able minor version python <<END
$found
END
    [ "$able" = yes ] ||
        fail "$python cannot make virtual environments; install the package python3.$minor-venv"
}

hash_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

stamped() { [ -f "$stamp" ] && grep -qxF -- "$1" "$stamp"; }

# Whether the folder was completed here, and its interpreter is still the one it was made with.
sound() {
    stamped "venv $venv" || return 1
    now=$("$venv/bin/python" -I -S -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || return 1
    grep -q "^python $now " "$stamp" || return 1
    [ -z "${PYTHON:-}" ] || { choose_python && stamped "python $version $python"; }
}

make_environment() {
    if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && [ ! -f "$venv/bootstrap.begun" ]; then
        rmdir -- "$venv" 2>/dev/null || fail "$venv is not a virtual environment; move it away, or name another folder in VENV"
    fi
    rm -rf -- "$venv"
    mkdir -p -- "$venv"
    : >"$venv/bootstrap.begun"
    attend "$python" -c "$in_own_session" "$python" -I -m venv "$venv" ||
        fail "$python cannot make $venv"
}

install() { # run|dev, its requirement file
    packages=$(grep -c '^[A-Za-z0-9].*==' "$2") || :
    case $1 in
    run) size="50 MB"; lasts="half a minute" ;;
    *) size="125 MB"; lasts="a minute" ;;
    esac
    say "installing $2: $packages packages, up to $size to fetch; $lasts or so, once"
    if [ -t 2 ]; then
        set -- "$2" -c "$with_progress" "$packages" install --progress-bar off
    else
        set -- "$2" -c "$in_own_session" "$venv/bin/python" -I -m pip install --quiet
    fi
    requirements=$1
    shift
    attend "$venv/bin/python" -I "$@" --no-input --disable-pip-version-check --require-hashes \
        --only-binary :all: --no-deps -r "$requirements" ||
        fail "pip could not install $requirements into $venv"
}

# One run of this script at a time: a second one waits, and then finds the work done.
take_lock() {
    command -v flock >/dev/null || return 0
    exec 9<requirements.txt
    flock -n 9 || { say "waiting for another run" && attend flock 9; }
}

refresh() { # run|dev, its requirement file
    ! { sound && stamped "$1 $(hash_of "$2")"; } || return 0
    take_lock
    if ! sound; then
        choose_python
        say "making $venv with Python $version"
        make_environment
    elif stamped "$1 $(hash_of "$2")"; then
        return 0
    else
        python=$(sed -n 's/^python [^ ]* //p' "$stamp")
        version=$now
    fi
    rm -f -- "$stamp"
    install "$1" "$2"
    {
        echo "python $version $python"
        echo "venv $venv"
        echo "run $(hash_of requirements.txt)"
        [ "$1" = run ] || echo "$1 $(hash_of "$2")"
    } >"$stamp.new"
    mv -- "$stamp.new" "$stamp"
}

case ${1:-} in
run) refresh run requirements.txt ;;
dev) refresh dev requirements-dev.txt ;;
pythons) probe_all | awk '$1 == "yes" && !seen[$2]++' | cut -d ' ' -f 3- ;;
*) fail "say one of run, dev and pythons" ;;
esac
