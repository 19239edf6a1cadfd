"""Models behind a server, Google's or any OpenAI-compatible one: one client for judging and for answering.

``call`` holds what goes over the wire and what can go wrong; ``gemini`` and ``openai`` translate it to the two SDKs;
``pacing`` and ``retry`` decide when a call may leave and when it is made again; ``pricing`` says what it cost.
"""
