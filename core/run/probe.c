/* The script of a probe; probe_parse.c reads its reply. */
#include "run/probe.h"

#include <string.h>

#include "base/quote.h"
#include "run/probe_order.h"

/* h: a section's head. k: counts words. d: whether a path is out of sight for want of permission.
 * c: says whether all that $o holds is one line for each argument.
 * T: L is s where no symlink is among the folders of the path $p; W is the folder that was found to be so last, X the one it is
 * in, or the one before.
 * a: adds the word $w to those in O and o; b: the word $v to those in Q and q. o and q are short: a text that grows word by word
 * takes quadratic time. */
static const char basics[] =
	"n='\n'\n"
	"h(){ printf '\\n%s %s\\n' \"$m\" \"$1\";}\n"
	"k(){ k=$#;}\n"
	"c(){ IFS=$n;set -f;k $o;set +f;unset IFS;[ $k -eq $1 ];}\n"
	"d(){ d=$1;while :;do case $d in */*)d=${d%/*};d=${d:-/};;*)d=.;;esac\n"
	"[ -d \"$d\" ]&&{ [ ! -x \"$d\" ];return;};case $d in /|.)return 1;;esac;done;}\n"
	"T(){ L= D=${p%/*};case $D in \"$W\"|\"$X\");;*)\n"
	"while [ -n \"$D\" ];do [ ! -L \"$D\" ]||return 0;case $D in */*)D=${D%/*};;*)D=;;esac;case $D in \"$W\"|\"$X\")break;;esac;done\n"
	"case $D in \"$X\")[ -n \"$D\" ]||X=$W;;*)X=$W;;esac;W=${p%/*};;esac;L=s;}\n"
	"a(){ o=\"$o $w$L\" j=.$j;case $j in ................................)O=$O$o o= j=;;esac;}\n"
	"b(){ q=\"$q $v\" J=.$J;case $J in ................................)Q=$Q$q q= J=;;esac;}\n";

/* t PATH...: a line of stat for each, of what a symlink leads to where $f is set; of several sections the last holds. lk LINK...:
 * a section for each link's target.
 * s FLAG PATH...: a word of each path (absent, denied, exists, a link, a broken link; access bits of the last three; T's), t of
 * those that exist, lk of the links, and where FLAG is set t once more through those that lead somewhere. $q, $l and $r are those
 * paths as words for eval, which tells a thousand of them apart in one go. */
static const char stats[] =
	"F='%f %h %u %g %s %d %i %b %o %t %T %.9X %.9Y %.9Z %U:%G'\n"
	"B='%Xp %l %u %g %z %d %i %b %k %XHr %XLr %Fa %Fm %Fc %Su:%Sg'\n"
	"x(){ set -f;set -- $(LC_ALL=C ls -ldin${f:+L} \"$1\" 2>/dev/null);set +f;[ $# -lt 6 ]||printf 'ls %s %s %s %s %s %s\\n' \"$1\" "
	"\"$2\" \"$3\" \"$4\" \"$5\" \"$6\";}\n"
	"t(){ h t;LC_ALL=C stat ${f:+-L} -c \"$F\" \"$@\" 2>/dev/null&&return;h t;LC_ALL=C stat ${f:+-L} -f \"$B\" \"$@\" 2>/dev/null&&return\n"
	"h t;for p do v=$(LC_ALL=C stat ${f:+-L} -c \"$F\" \"$p\" 2>/dev/null)||v=$(LC_ALL=C stat ${f:+-L} -f \"$B\" \"$p\" "
	"2>/dev/null)||v=$(x \"$p\");printf '%s\\n' \"${v:-x}\";done;}\n"
	"lk(){ o=$(readlink \"$@\" 2>/dev/null);c $#&&case $n$o$n in *\"$n$n\"*)false;;esac&&{ IFS=$n;set -f;for p in $o;do h L;printf "
	"'%s\\n' \"$p\";done;set +f;unset IFS;return;}\n"
	"for p do o=$(readlink \"$p\" 2>/dev/null&&echo .)&&o=${o%\"$n\".}||{ o=$(LC_ALL=C ls -ld \"$p\" 2>/dev/null);o=${o##* -> };};h "
	"L;printf '%s\\n' \"$o\";done;}\n"
	"s(){ g=$1;shift;O= o= j= l= e= x= f=\n"
	"for p do case ${p%/*} in \"$W\")L=s;;*)T;;esac;w=e;[ ! -L \"$p\" ]||{ l=1 w=l;[ -e \"$p\" ]||w=b;}\n"
	"if [ -r \"$p\" ];then w=${w}r e=1;elif [ $w = b ]||[ -e \"$p\" ];then e=1;else x=1;if d \"$p\";then w=d;else w=a;fi;a;continue;fi\n"
	"[ ! -w \"$p\" ]||w=${w}w;[ ! -x \"$p\" ]||w=${w}x;a;done\n"
	"h \"S$n$O$o\";[ -n \"$e\" ]||return 0\n"
	"if [ -z \"$l$x\" ];then t \"$@\";return;fi\n"
	"Q= q= J= l= r= i=0;for w in $O$o;do i=$((i+1)) v=\"\\\"\\${$i}\\\"\";case $w in a*|d*)continue;;l*)r=\"$r $v\" l=\"$l $v\";;b*)l=\"$l $v\";;esac;b;done\n"
	"eval \"t $Q$q\";[ -z \"$l\" ]||eval \"lk $l\";[ -z \"$g\" ]||[ -z \"$r\" ]||{ f=1;eval \"t $r\";};}\n";

/* v PATH...: a word of each (absent, denied, no file, exists; then T's) by a, and those that exist by b. Where y is set, symlinks are
 * no files. */
static const char files[] =
	"v(){ O= o= j= Q= q= J= i=0\n"
	"for p do i=$((i+1));case ${p%/*} in \"$W\")L=s;;*)T;;esac;v=;[ ! -L \"$p\" ]||{ v=$y L=;}\n"
	"if [ -n \"$v\" ];then w=f;elif [ -f \"$p\" ];then if [ -r \"$p\" ];then w=e v=\"\\\"\\${$i}\\\"\";b;else w=d;fi\n"
	"elif [ -e \"$p\" ];then w=f;elif d \"$p\";then w=d;else w=a;fi;a;done;}\n";

/* dg PATH...: a line of digest for each. g ALGORITHM PATH...: v's words of them, and dg of those that exist. */
static const char hashes[] =
	"dg(){ o=$(\"${g}sum\" \"$@\" 2>/dev/null);c $#||{ o=;for p do v=$({ \"${g}sum\"||busybox \"${g}sum\"||shasum -a \"${g#sha}\"||openssl "
	"dgst -r \"-$g\"||\"$g\" -q;} 2>/dev/null <\"$p\");o=\"$o${v:-x}$n\";done;}\n"
	"printf '%s\\n' \"$o\";}\n"
	"g(){ g=$1;shift;v \"$@\";h \"H$n$O$o\";[ -z \"$Q$q\" ]||eval \"dg $Q$q\";}\n";

/* rd HOW BYTES PATH...: v's words of them, and the bytes of those that exist. By b1, BYTES of each at most, then how that
 * ended; or by b2, the sizes of all (z), the bytes of those with a size of up to five digits in one piece, their sizes again, and
 * the others by b1. */
static const char reads[] =
	"b1(){ for p do h o;head -c \"$M\" \"$p\" 2>/dev/null||cat \"$p\" 2>/dev/null;h \"r $?\";done;}\n"
	"z(){ o=$(LC_ALL=C stat -L -c %s \"$@\" 2>/dev/null);c $#||{ o=$(LC_ALL=C stat -L -f %z \"$@\" 2>/dev/null);c $#;}||o=;h \"s$n$o\";}\n"
	"b3(){ h v;cat \"$@\" 2>/dev/null|head -c $((e+1)) 2>/dev/null;z \"$@\";}\n"
	"b2(){ z \"$@\";[ -n \"$o\" ]||{ b1 \"$@\";return;}\n"
	"q= l= e=0 i=0;for p in $o;do i=$((i+1));case $p in ??????*)l=\"$l \\\"\\${$i}\\\"\";;*)q=\"$q \\\"\\${$i}\\\"\";e=$((e+p));;esac;done\n"
	"[ -z \"$q\" ]||eval \"b3 $q\";[ -z \"$l\" ]||eval \"b1 $l\";}\n"
	"rd(){ r=$1 M=$2;shift 2;v \"$@\";h \"R$n$O$o\";[ -z \"$Q$q\" ]||eval \"b$r $Q$q\";}\n";

/* j PATH...: names, stats and digests of one batch of a list. u PATH: the same by the shell alone, where there is no find.
 * w PATH DEPTH: a list, then how that ended. */
static const char lists[] =
	"j(){ h N;printf '%s\\0' \"$@\";s '' \"$@\";[ -z \"$A\" ]||g \"$A\" \"$@\";}\n"
	"u(){ for V in \"$1\"/* \"$1\"/.[!.]* \"$1\"/..?*;do if [ -e \"$V\" ]||[ -L \"$V\" ];then j \"$V\";[ -n \"$2\" ]||[ -L \"$V\" ]||[ ! -d "
	"\"$V\" ]||(u \"$V\");fi;done;}\n"
	"w(){ p=${1%/};T;[ ! -L \"$p\" ]||L=;if [ -d \"$1\" ];then if [ -r \"$1\" ]&&[ -x \"$1\" ];then h \"W o$L\"\n"
	"if command -v find >/dev/null 2>&1;then m=$m A=$A W= X= y=1 find \"$1\" -mindepth 1 $2 -exec sh -c \"$P\"'j \"$@\"' sh {''} + "
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
	for (size_t i = 0, next = 0; i < group->count; i++) {
		if (group->paths[i] != next)
			continue;
		buf_char(script, ' ');
		add_path(script, group->asks[i]->path);
		next++;
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
		buf_printf(script, "rd %d %zu", group->joined ? 2 : 1, group->asks[0]->limit + 1);
		add_paths(script, group);
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
	if (has[PROBE_HASH] || has[PROBE_READ] || has[PROBE_LIST])
		buf_str(&functions, files);
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

void probe_script(const struct ask *const *asks, size_t count, bool apart, const char *mark, struct buf *script)
{
	auto_(probe_order_release) struct probe_order order = probe_order_of(asks, count, apart);
	buf_printf(script, "m=%s y= A= W= X=\n", mark);
	add_functions(script, &order);
	for (size_t i = 0; i < order.count; i++)
		add_group(script, &order.groups[i]);
	buf_str(script, "h E\n");
}
