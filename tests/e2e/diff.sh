# What --diff shows of files that are copied: each file of a tree, what is binary or large, and the newline that is not there.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
mkdir -p files/tree/sub there
printf 'a\nb\nc\n' >files/tree/changed
printf 'same\n' >files/tree/same
printf 'x\000y' >files/tree/data
printf 'new' >files/tree/sub/open
head -c 1048577 /dev/zero | tr '\000' z >files/tree/sub/big
printf 'a\nB\nc\n' >there/changed
printf 'same\n' >there/same
printf 'old\000' >there/data
cat >tree.json <<END
[{ "hosts": "all", "gather_facts": false, "tasks": [{ "name": "tree", "copy": { "src": "tree/", "dest": "$WORK/there" } }] }]
END
cat >want <<END
--- before: $WORK/there/changed
+++ after: $WORK/files/tree/changed
@@ -1,3 +1,3 @@
 a
-B
+b
 c

diff skipped: destination file appears to be binary ($WORK/there/data)
diff skipped: source file appears to be binary ($WORK/there/data)
diff skipped: source file size is greater than 1048576 ($WORK/there/sub/big)
--- before: $WORK/there/sub/open
+++ after: $WORK/files/tree/sub/open
@@ -0,0 +1 @@
+new
\\ No newline at end of file

changed: [h1]
END
shown() { sed -n '/^TASK/,/^changed/p' out | sed 1d | sed "s|$(pwd -P)/|$WORK/|g"; }

it "shows each file of a tree that would change, and changes none"
cp -r there before
neap run tree.json -i h1, -c local --check --diff
status 0
equal "$(shown)" "$(cat want)"
same_files there before

it "shows the same when it does it, and nothing the second time"
neap run tree.json -i h1, -c local --diff
equal "$(shown)" "$(cat want)"
neap run tree.json -i h1, -c local --diff
recap h1 changed=0
output_lacks '---'

it "shows the first hundred files of many, and counts the others"
for n in $(seq 120); do echo "$n" >"files/tree/n$n"; done
neap run tree.json -i h1, -c local --check --diff
equal "$(grep -c '^+++ after' out)" 100
output '(20 more files of this tree differ)'

it "does not show what a sealed file holds"
echo word >word
"$NEAP" vault encrypt --vault-password-file word files/tree/n1 2>/dev/null || fault "not sealed"
neap run tree.json -i h1, -c local --check --diff --vault-password-file word
status 0
output_lacks "tree/n1 "
equal "$(grep -c "tree/n1\$" out)" 0
done_testing
