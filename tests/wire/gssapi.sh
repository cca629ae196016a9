#!/bin/sh
# GSSAPI against a Kerberos realm of our own on loopback, with delegated credentials. Needs krb5-kdc, krb5-admin-server and
# krb5-user, and root for the server's keytab to be used.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

for program in krb5kdc kdb5_util kadmin.local kinit; do
	command -v "$program" >/dev/null || { echo "1..0 # SKIP $program is not installed"; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }

realm=$SSHD_DIR/realm
mkdir "$realm"
kdc_port=$(sshd_random_port)
cat >"$realm/krb5.conf" <<END
[libdefaults]
	default_realm = NEAP.TEST
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	forwardable = true
	udp_preference_limit = 1
[realms]
	NEAP.TEST = {
		kdc = 127.0.0.1:$kdc_port
	}
[domain_realm]
	localhost = NEAP.TEST
END
cat >"$realm/kdc.conf" <<END
[kdcdefaults]
	kdc_listen = 127.0.0.1:$kdc_port
	kdc_tcp_listen = 127.0.0.1:$kdc_port
[realms]
	NEAP.TEST = {
		database_name = $realm/principal
		key_stash_file = $realm/stash
		acl_file = $realm/acl
	}
[logging]
	kdc = FILE:$realm/kdc.log
END
export KRB5_CONFIG=$realm/krb5.conf KRB5_KDC_PROFILE=$realm/kdc.conf KRB5_KTNAME=$realm/keytab
kdb5_util create -s -r NEAP.TEST -P master >/dev/null 2>&1
kadmin.local -q 'addprinc -pw secret root' >/dev/null 2>&1
kadmin.local -q 'addprinc -randkey host/localhost' >/dev/null 2>&1
kadmin.local -q "ktadd -k $realm/keytab host/localhost" >/dev/null 2>&1
krb5kdc -n >"$realm/out" 2>&1 &
kdc=$!
trap 'kill $kdc; sshd_cleanup' EXIT
tickets=$SSHD_DIR/tickets
waited=0
until echo secret | kinit -f -c "$tickets" root >/dev/null 2>"$realm/kinit"; do
	waited=$((waited + 1))
	[ "$waited" -lt 40 ] || { echo "1..0 # SKIP the KDC does not start"; exit 0; }
	sleep 0.1
done

start krb "GSSAPIAuthentication yes" "GSSAPIStrictAcceptorCheck no" "PubkeyAuthentication no"
go() {
	try -a "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts -o HostKeyAlias=[127.0.0.1]:$(sshd_port krb) -o GSSAPIAuthentication=yes ${TRY_OPTIONS:-}" \
		-p "$(sshd_port krb)" -u root localhost "$@"
}

it "logs in with a ticket"
export KRB5CCNAME=$tickets
go 'echo hello'
status 0
output "method gssapi-with-mic"
logged krb "Accepted gssapi-with-mic for root"
logged krb "root@NEAP.TEST"

it "does not hand the ticket on unasked"
go 'test -n "$KRB5CCNAME"'
status 1

it "delegates the credentials when told to"
TRY_OPTIONS="-o GSSAPIDelegateCredentials=yes"
go 'test -n "$KRB5CCNAME" && klist -s && echo delegated'
status 0
output delegated
TRY_OPTIONS=

it "does not try without a ticket"
export KRB5CCNAME=$SSHD_DIR/no-tickets
go 'echo hello'
status 204
unlogged krb "Accepted"

done_testing
