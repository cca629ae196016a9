"""Hosts that each pattern names, by ansible's own inventory: PATTERN<tab>HOST,HOST for each argument behind the source."""
import sys

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

inventory = InventoryManager(loader=DataLoader(), sources=[sys.argv[1]])
for pattern in sys.argv[2:]:
    print(pattern + "\t" + ",".join(host.name for host in inventory.get_hosts(pattern)))
