"""`governance demo`: the whole story on this machine, in under a minute."""

from governance.demo.show import run

__all__ = ["run"]
