# Debian packages that a script needs, installed when they are missing. To be sourced.

# packages_need PACKAGE...: as root, or by sudo.
packages_need() {
	packages_missing=
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || packages_missing="$packages_missing $package"
	done
	[ -n "$packages_missing" ] || return 0
	echo "installing:$packages_missing"
	packages_root=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || {
			echo "these packages are missing and there is no sudo to install them; as root: apt-get install$packages_missing" >&2
			return 1
		}
		packages_root=sudo
	fi
	$packages_root apt-get update -qq
	# shellcheck disable=SC2086
	$packages_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages_missing >/dev/null
}
