# Typical mistakes in playbooks, inventories and files of variables: each is told before any connection, with its place.
exec python3 "${SOURCE_ROOT:-.}/tests/e2e/mistakes.py" "$NEAP" "${SOURCE_ROOT:-.}/tests/e2e/mistakes.txt"
