"""Ways to reach people, one file each, behind the protocol in alerts/channel.py."""
