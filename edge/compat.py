"""The few names CPython and MicroPython spell differently, under one roof."""

TYPE_CHECKING = False

if TYPE_CHECKING:
    def heap_lock() -> None:
        """Forbid the heap on MicroPython until `heap_unlock`: what asks for it raises MemoryError.
        A call is also cheaper then, because the interpreter does not seek room for its frame."""

    def heap_unlock() -> None:
        """Allow the heap again."""

    def const(value: int) -> int:
        """Return `value`; on MicroPython the compiler folds it into the bytecode instead."""
        return value

else:
    try:
        from micropython import const, heap_lock, heap_unlock
    except ImportError:

        def const(value):
            """Return `value`; on MicroPython the compiler folds it into the bytecode instead."""
            return value

        def heap_lock():
            """Forbid the heap on MicroPython; elsewhere nothing."""

        heap_unlock = heap_lock
