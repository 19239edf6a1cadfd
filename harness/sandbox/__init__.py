"""Templates that strangers wrote: what they may do, and the process that they do it in.

``environment`` bounds single operations, ``program`` compiles and renders, ``child`` is the confined process; ``chats``
renders the chat templates of tokenizers there. Nothing here imports the rest of the harness: a child starts in a tenth
of a second.
"""
