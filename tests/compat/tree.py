"""What is below a folder: kind, mode, owner where it is not the one who runs this, and content, by path.

    tree.py FOLDER      prints it as JSON
"""
import hashlib
import json
import os
import re
import stat
import sys
import time


def content(path):
    with open(path, "rb") as file:
        data = file.read()
    if os.path.basename(path).rstrip("-") == "shadow": # the day of a password's change
        data = re.sub(rb":%d:" % (time.time() // 86400), b":(today):", data)
    try:
        return data.decode() if len(data) < 4000 else hashlib.sha1(data).hexdigest()
    except UnicodeDecodeError:
        return hashlib.sha1(data).hexdigest()


def tree(root):
    found = {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            about = os.lstat(path)
            words = [stat.filemode(about.st_mode)]
            if (about.st_uid, about.st_gid) != (os.geteuid(), os.getegid()):
                words.append(f"{about.st_uid}:{about.st_gid}")
            if stat.S_ISLNK(about.st_mode):
                words.append("-> " + os.readlink(path))
            elif stat.S_ISREG(about.st_mode):
                words.append(content(path))
            found[os.path.relpath(path, root)] = " ".join(words)
    return found


if __name__ == "__main__":
    json.dump(tree(sys.argv[1]), sys.stdout)
