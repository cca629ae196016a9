set -e; export GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z GIT_CONFIG_NOSYSTEM=1; r=$1
git init -q -b main $r/sub; cd $r/sub; git config user.email a@b; git config user.name n; echo s >s; git add s; git commit -qm sub
git init -q -b main $r/src; cd $r/src; git config user.email a@b; git config user.name n
echo 1 >f; git add f; git commit -qm one; git tag v1
git -c protocol.file.allow=always submodule -q add ../sub sub; git commit -qm sub
echo 2 >f; git commit -qam two; git tag -a v2 -m v2
git checkout -q -b other v1; echo o >o; git add o; git commit -qm other; git update-ref refs/pull/7/head HEAD; git checkout -q main
