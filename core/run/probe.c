/* The script of a probe; probe_parse.c reads its reply. */
#include "run/probe.h"

#include <string.h>

#include "base/quote.h"
#include "run/probe_order.h"

/* h: a section's head. k: counts words. d: whether a path is out of sight for want of permission.
 * c: says whether all that $o holds is one line for each argument.
 * T PATH [LAST]: L is s where no symlink is among the folders of a path, nor is the path one itself if LAST is said; W is the
 * folder that was found to be so last. */
static const char basics[] =
	"n='\n'\n"
	"h(){ printf '\\n%s %s\\n' \"$m\" \"$1\";}\n"
	"k(){ k=$#;}\n"
	"c(){ IFS=$n;set -f;k $o;set +f;unset IFS;[ $k -eq $1 ];}\n"
	"d(){ d=$1;while :;do case $d in */*)d=${d%/*};d=${d:-/};;*)d=.;;esac\n"
	"[ -d \"$d\" ]&&{ [ ! -x \"$d\" ];return;};case $d in /|.)return 1;;esac;done;}\n"
	"T(){ L= D=${1%/*};[ \"$D\" = \"$W\" ]||{ while [ -n \"$D\" ];do\n"
	"[ ! -L \"$D\" ]||return 0;case $D in */*)D=${D%/*};;*)D=;;esac;done\n"
	"W=${1%/*};};[ -n \"$2\" ]&&[ -L \"$1\" ]||L=s;}\n";

/* s FLAG PATH...: a word of each path (absent, denied, or exists with access bits; then T's), a line of stat for each that
 * exists, and a section for each symlink's target. t does the looking, r the reading of links. */
static const char stats[] =
	"F='%f %h %u %g %s %d %i %b %o %t %T %.9X %.9Y %.9Z %U:%G'\n"
	"B='%Xp %l %u %g %z %d %i %b %k %XHr %XLr %Fa %Fm %Fc %Su:%Sg'\n"
	"x(){ set -f;set -- $(LC_ALL=C ls -ldin${f:+L} \"$1\" 2>/dev/null);set +f;[ $# -lt 6 ]||printf 'ls %s %s %s %s %s %s\\n' \"$1\" "
	"\"$2\" \"$3\" \"$4\" \"$5\" \"$6\";}\n"
	"t(){ o=$(LC_ALL=C stat ${f:+-L} -c \"$F\" \"$@\" 2>/dev/null);c $#||{ o=$(LC_ALL=C stat ${f:+-L} -f \"$B\" \"$@\" "
	"2>/dev/null);c $#;}||{ o=\n"
	"for p do l=$(LC_ALL=C stat ${f:+-L} -c \"$F\" \"$p\" 2>/dev/null)||l=$(LC_ALL=C stat ${f:+-L} -f \"$B\" \"$p\" "
	"2>/dev/null)||l=$(x \"$p\")\n"
	"o=\"$o${l:-x}$n\";done;}\n"
	"printf '%s\\n' \"$o\";}\n"
	"lk(){ o=$(readlink \"$@\" 2>/dev/null);c $#&&case $n$o$n in *\"$n$n\"*)false;;esac&&{ IFS=$n;set -f;for p in $o;do h L;printf "
	"'%s\\n' \"$p\";done;set +f;unset IFS;return;}\n"
	"for p do o=$(readlink \"$p\" 2>/dev/null&&echo .)&&o=${o%\"$n\".}||{ o=$(LC_ALL=C ls -ld \"$p\" 2>/dev/null);o=${o##* -> };};h "
	"L;printf '%s\\n' \"$o\";done;}\n"
	"s(){ f=$1;shift;o=;z=$#;e=0;i=0\n"
	"for p do T \"$p\" $f;if [ -e \"$p\" ]||{ [ -z \"$f\" ]&&[ -L \"$p\" ];};then\n"
	"a=0;[ -r \"$p\" ]&&a=4;[ -w \"$p\" ]&&a=$((a+2));[ -x \"$p\" ]&&a=$((a+1));o=\"$o e$a$L\";e=$((e+1))\n"
	"elif d \"$p\";then o=\"$o d$L\";else o=\"$o a$L\";fi;done\n"
	"h S;printf '%s\\n' \"$o\";[ $e -gt 0 ]||return 0\n"
	"[ $e -eq $z ]||{ for p do if [ -e \"$p\" ]||{ [ -z \"$f\" ]&&[ -L \"$p\" ];};then set -- \"$@\" \"$p\";fi;done;shift $z;}\n"
	"[ $# -gt 0 ]||return 0;t \"$@\";[ -z \"$f\" ]||return 0\n"
	"for p do [ ! -L \"$p\" ]||i=$((i+1));done;[ $i -gt 0 ]||return 0\n"
	"z=$#;[ $i -eq $z ]||{ for p do [ ! -L \"$p\" ]||set -- \"$@\" \"$p\";done;shift $z;}\n"
	"[ $# -eq 0 ]||lk \"$@\";}\n";

/* g ALGORITHM PATH...: a word of each path (absent, denied, no file, exists; then T's), and a line of digest for each that
 * exists. Where y is set, symlinks are no files. */
static const char hashes[] =
	"v(){ [ -f \"$1\" ]&&[ -r \"$1\" ]&&{ [ -z \"$y\" ]||[ ! -L \"$1\" ];};}\n"
	"g(){ a=$1;shift;o=;z=$#;e=0\n"
	"for p do T \"$p\" 1;if v \"$p\";then o=\"$o e$L\";e=$((e+1));elif [ -f \"$p\" ]&&[ ! -r \"$p\" ];then o=\"$o d$L\"\n"
	"elif [ -e \"$p\" ]||[ -L \"$p\" ];then o=\"$o f$L\";elif d \"$p\";then o=\"$o d$L\";else o=\"$o a$L\";fi;done\n"
	"h H;printf '%s\\n' \"$o\";[ $e -gt 0 ]||return 0\n"
	"[ $e -eq $z ]||{ for p do ! v \"$p\"||set -- \"$@\" \"$p\";done;shift $z;}\n"
	"[ $# -gt 0 ]||return 0\n"
	"o=$(\"${a}sum\" \"$@\" 2>/dev/null);c $#||{ o=;for p do l=$({ \"${a}sum\"||busybox \"${a}sum\"||shasum -a \"${a#sha}\"||openssl "
	"dgst -r \"-$a\"||\"$a\" -q;} 2>/dev/null <\"$p\");o=\"$o${l:-x}$n\";done;}\n"
	"printf '%s\\n' \"$o\";}\n";

/* b PATH LIMIT: a file's bytes, one more than the limit at most, then how that ended. */
static const char reads[] =
	"b(){ T \"$1\" 1;if [ -f \"$1\" ];then if [ -r \"$1\" ];then h \"R o$L\"\nhead -c \"$2\" \"$1\" 2>/dev/null||cat \"$1\" 2>/dev/null;h \"r $?\"\n"
	"else h \"R d$L\";fi;elif [ -e \"$1\" ];then h \"R f$L\";elif d \"$1\";then h \"R d$L\";else h \"R a$L\";fi;}\n";

/* j PATH...: names, stats and digests of one batch of a list. u PATH: the same by the shell alone, where there is no find.
 * w PATH DEPTH: a list, then how that ended. */
static const char lists[] =
	"j(){ h N;printf '%s\\0' \"$@\";s '' \"$@\";[ -z \"$A\" ]||g \"$A\" \"$@\";}\n"
	"u(){ for q in \"$1\"/* \"$1\"/.[!.]* \"$1\"/..?*;do if [ -e \"$q\" ]||[ -L \"$q\" ];then j \"$q\";[ -n \"$2\" ]||[ -L \"$q\" ]||[ ! -d "
	"\"$q\" ]||(u \"$q\");fi;done;}\n"
	"w(){ T \"${1%/}\" 1;if [ -d \"$1\" ];then if [ -r \"$1\" ]&&[ -x \"$1\" ];then h \"W o$L\"\n"
	"if command -v find >/dev/null 2>&1;then m=$m A=$A W= y=1 find \"$1\" -mindepth 1 $2 -exec sh -c \"$P\"'j \"$@\"' sh {''} + "
	"2>/dev/null;else y=1;u \"${1%/}\" \"$2\";fi;h \"w $?\";y=\n"
	"else h \"W d$L\";fi;elif [ -e \"${1%/}\" ];then h \"W f$L\";elif d \"$1\";then h \"W d$L\";else h \"W a$L\";fi;}\n";

/* q DATABASE NAME...: the lines of users or groups; without names, all lines. */
static const char accounts[] =
	"q(){ h A;if command -v getent >/dev/null 2>&1;then getent \"$@\" 2>/dev/null;else cat \"/etc/$1\" 2>/dev/null;fi;}\n";

bool probe_takes(const struct ask *ask)
{
	if (ask->side != ASK_ON_TARGET)
		return false;
	switch (ask->kind) {
	case ASK_STAT: case ASK_READ: case ASK_HASH: case ASK_LIST: case ASK_GLOB: case ASK_USER: case ASK_GROUP:
		return true;
	default:
		return false;
	}
}

/* A path as one word that no program takes for an option. */
static void add_path(struct buf *script, const char *path)
{
	auto_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s%s", *path == '/' ? "" : "./", path);
	quote_word(script, buf_text(&text));
}

static void add_paths(struct buf *script, const struct probe_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		buf_char(script, ' ');
		add_path(script, group->asks[i]->path);
	}
	buf_char(script, '\n');
}

/* A pattern in which all but the pattern's own signs is quoted. */
static void add_pattern(struct buf *script, const char *pattern)
{
	buf_str(script, *pattern == '/' ? "" : "./");
	for (; *pattern; pattern++) {
		if (strchr("*?[]!-", *pattern))
			buf_char(script, *pattern);
		else
			quote_word(script, (const char[]){ *pattern, 0 });
	}
}

static void add_list(struct buf *script, const struct ask *ask)
{
	auto_buf struct buf path = BUF_INIT;
	buf_printf(&path, "%s%s/", *ask->path == '/' ? "" : "./", ask->path);
	while (path.length > 1 && path.data[path.length - 2] == '/')
		path.data[--path.length] = 0;
	buf_printf(script, "A=%s\nw ", ask->algorithm ? ask->algorithm : "");
	quote_word(script, buf_text(&path));
	buf_str(script, ask->recurse ? " ''\n" : " '-maxdepth 1'\n");
}

/* A name that looks like an option cannot be one of an account. */
static void add_names(struct buf *script, const struct probe_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		if (*group->asks[i]->path == '-')
			continue;
		buf_char(script, ' ');
		quote_word(script, group->asks[i]->path);
	}
}

static void add_group(struct buf *script, const struct probe_group *group)
{
	switch (group->kind) {
	case PROBE_STAT:
		buf_str(script, group->follow ? "s 1" : "s ''");
		add_paths(script, group);
		break;
	case PROBE_HASH:
		buf_printf(script, "g %s", group->asks[0]->algorithm);
		add_paths(script, group);
		break;
	case PROBE_READ:
		buf_str(script, "b ");
		add_path(script, group->asks[0]->path);
		buf_printf(script, " %zu\n", group->asks[0]->limit + 1);
		break;
	case PROBE_LIST:
		add_list(script, group->asks[0]);
		break;
	case PROBE_GLOB:
		buf_str(script, "h G;set --");
		buf_char(script, ' ');
		add_pattern(script, group->asks[0]->path);
		buf_str(script, "\n[ -e \"$1\" ]||[ -L \"$1\" ]||shift;[ $# -eq 0 ]||printf '%s\\0' \"$@\"\n");
		break;
	case PROBE_USERS: case PROBE_GROUPS:
		buf_str(script, group->kind == PROBE_USERS ? "q passwd" : "q group");
		add_names(script, group);
		buf_str(script, group->kind == PROBE_USERS ? "\nq group\n" : "\n");
		break;
	case PROBE_KINDS:
		break;
	}
}

static void add_functions(struct buf *script, const struct probe_order *order)
{
	bool has[PROBE_KINDS] = { false };
	for (size_t i = 0; i < order->count; i++)
		has[order->groups[i].kind] = true;
	auto_buf struct buf functions = BUF_INIT;
	buf_str(&functions, basics);
	if (has[PROBE_STAT] || has[PROBE_LIST])
		buf_str(&functions, stats);
	if (has[PROBE_HASH] || has[PROBE_LIST])
		buf_str(&functions, hashes);
	if (has[PROBE_READ])
		buf_str(&functions, reads);
	if (has[PROBE_LIST])
		buf_str(&functions, lists);
	if (has[PROBE_USERS] || has[PROBE_GROUPS])
		buf_str(&functions, accounts);
	if (!has[PROBE_LIST]) {
		buf_str(script, buf_text(&functions));
		return;
	}
	buf_str(script, "P=");
	quote_word(script, buf_text(&functions));
	buf_str(script, "\neval \"$P\"\n");
}

void probe_script(const struct ask *const *asks, size_t count, const char *mark, struct buf *script)
{
	auto_(probe_order_release) struct probe_order order = probe_order_of(asks, count);
	buf_printf(script, "m=%s y= A= W=\n", mark);
	add_functions(script, &order);
	for (size_t i = 0; i < order.count; i++)
		add_group(script, &order.groups[i]);
	buf_str(script, "h E\n");
}
