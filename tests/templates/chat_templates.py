# ruff: noqa: E501 - templates stand as they are published, in lines as long as theirs
"""Chat templates: those of three families, one for each thing that transformers offers them, and hostile ones."""

CHATML = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}{{ "\\n" }}{{ tool | tojson }}{% endfor %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" %}
        {%- set ns.multi_step = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}{%- set content = message.content %}{%- else %}{%- set content = '' %}{%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.reasoning_content is string %}{{- '<think>\\n' + message.reasoning_content.strip('\\n') + '\\n</think>\\n\\n' }}
    {%- endif %}
    {{- content.split('</think>')[-1].lstrip('\\n') }}
    {%- for tool_call in message.tool_calls or [] %}
        {%- set tool_call = tool_call.function %}
        {{- '\\n<tool_call>\\n{"name": "' ~ tool_call.name ~ '", "arguments": ' ~ tool_call.arguments | tojson(indent=2) ~ '}' }}
    {%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""
GEMMA = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}{{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}{{ item['text'] | trim }}{%- endfor -%}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""
LLAMA = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y %A") %}{%- endif %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: " + date_string + "\\n\\n" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
"""
SMALL = {
    "chatml": CHATML,
    "gemma": GEMMA,
    "llama": LLAMA,
    "trimmed blocks": "  {% if true %}\n    a\n  {% endif %}\nb\n  {% for m in messages %}\n{{ m.role }}\n  {% endfor %}\n\n",
    "generation": "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{{ eos_token }}{% endfor %}",
    "loop controls": "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.role }}{% continue %}{% endfor %}",
    "undefined": "[{{ nothing }}]{{ messages[9] }}{% if x.y is defined %}{% endif %}{{ messages[0].nothing or 'none' }}",
    "macros": "{% macro turn(m, sep='\\n') %}<{{ m.role }}>{{ caller() }}{{ sep }}{% endmacro %}"
    "{% for m in messages %}{% call turn(m) %}{{ m.content or '' }}{% endcall %}{% endfor %}",
    "dict and namespace": "{% set d = dict(a=1, b='あ') %}{{ d|tojson }}{{ dict([('x', 1)]).x }}{% set n = namespace(self=3) %}"
    "{{ n.self }}{{ dict.fromkeys(['k'], 0) }}",
    "tojson": "{{ messages|tojson }}{{ messages|tojson(indent=2, ensure_ascii=true, sort_keys=true) }}"
    "{{ {'b': 1, 'a': '<あ>'}|tojson(separators=(',', ':')) }}",
    "methods": "{% for k, v in messages[0].items() %}{{ k.upper().ljust(9, '.') }}{{ '%s|%r'|format(v, 1) }}{% endfor %}"
    "{{ '{}-{:>4}'.format(1, 'x') }}{{ messages[0].get('x', 5) }}{{ 'a,b'.split(',') }}{{ messages|map(attribute='role')|list }}",
    "filters": "{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join('/')|length }}{{ [3,1]|sort }}"
    "{{ messages|groupby('role')|length }}{{ 'a b'|title }}{{ 12345|round(1) }}{{ 12345|tojson }}{{ [1,2,3]|batch(2)|list }}",
    "cycler and joiner": "{% set j = joiner(', ') %}{% set c = cycler('a', 'b') %}{% for m in messages %}{{ j() }}{{ c.next() }}{% endfor %}",
    "fields of reasoning": "{% for m in messages %}{{ m.reasoning_content }}|{{ m.thinking }}|{{ m|length }};{% endfor %}",
    "special tokens": "{{ bos_token + eos_token + pad_token }}{{ unk_token }}{{ tools is none }}{{ documents }}",
    "clock": "{{ strftime_now('%Y-%m-%d %H:%M:%S %a %B') }}",
    "sets and slices": "{% set a, b = messages[0].role, messages[-1].content %}{{ a[::-1] }}{{ (b or '')[:2] }}{{ 7 // 2 }}{{ 2 ** 8 }}{{ 'x' * 3 }}",
}  # fmt: skip

HOSTILE = {
    "nested ranges": "{% for a in range(10**5) %}{% for b in range(10**5) %}{% endfor %}{% endfor %}",
    "nested ranges within bounds": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "doubling": "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "class walk": "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    "class walk by filter": "{{ messages|attr('__class__')|attr('__base__') }}{{ ''|attr('__x__').y }}",
    "namespace walk": "{% set n = namespace() %}{% set n.__class__ = 1 %}",
    "function of the stand-in": "{{ messages[0].items._function }}{{ messages[0].items.of }}",
    "globals of a function": "{{ raise_exception.__globals__['json'] }}",
    "globals of the clock": "{{ strftime_now.__self__.now }}",
    "function of a method": "{{ messages[0].items.__self__.x }}",
    "address of range": "{{ raise_exception }}",
    "address in a list": "{{ [raise_exception] }}",
    "address by tilde": "{{ '' ~ strftime_now }}",
    "address of items": "{{ messages|map(attribute='role') }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}{{ os.system('true') }}",
    "random": "{{ [1, 2]|random }}",
    "filler": "{{ lipsum(5) }}",
    "long clock": "{{ strftime_now('%Y' * 10**6) }}",
    "no template": "{% if %}",
    "deep": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
}  # fmt: skip
