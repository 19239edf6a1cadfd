"""Forty templates that want to hang the program, fill its memory, read files or walk out of the sandbox."""

LOOPS = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"
ENDS = "{% endfor %}" * 3
DOUBLING = "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = "

HOSTILE = {
    # attribute walks
    "class": "{{ input.__class__.__mro__[1].__subclasses__() }}",
    "class by item": "{{ input['__class__']['__base__'] }}",
    "class by attr filter": "{{ input|attr('__class__')|attr('__mro__') }}",
    "class by escaped name": "{{ input|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "class by joined name": "{{ input|attr(['_'*2, 'class', '_'*2]|join)|attr('mro') }}",
    "class in full width": "{{ input.＿＿class＿＿.mro }}",
    "class by format": "{{ '{0.__class__.__init__.__globals__}'.format(input) }}",
    "class by format_map": "{{ '{input.__class__}'.format_map({'input': input}) }}",
    "class by map": "{{ [input]|map(attribute='__class__')|map(attribute='__mro__')|list }}",
    "class by stored method": "{% set f = '{0.__class__}'.format %}{{ f(input) }}",
    "globals of a macro": "{% macro m() %}{{ input }}{% endmacro %}{{ m.__globals__ }}{{ m._func.__globals__ }}",
    "globals of range": "{{ range.__globals__['__builtins__'] }}{{ input }}",
    "the template itself": "{{ self._TemplateReference__context }}{{ input }}",
    "frame of a generator": "{{ (input|map('upper')).gi_frame.f_globals }}",
    "environment by loop": "{% for a in input %}{{ loop.__init__.__globals__ }}{% endfor %}",
    # loops and recursion
    "nested loops": LOOPS + ENDS + "{{ input }}",
    "nested loops that write": LOOPS + "{{ input }}" + ENDS,
    "loops over text": "{% set t = input * 99999 %}{% for a in t %}{% for b in t %}{% endfor %}{% endfor %}",
    "endless macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}{{ input }}",
    "two macros": "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}{{ input }}",
    "recursive loop": "{% for a in [[1]] recursive %}{{ loop([[[1]]] ) }}{% endfor %}{{ input }}",
    "deep parentheses": "{{ " + "(" * 9000 + "input" + ")" * 9000 + " }}",
    "deep blocks": "{% if input %}" * 3000 + "{% endif %}" * 3000,
    "many nots": "{{ " + "not " * 30000 + "input }}",
    "sorting": "{% set l = range(9999)|list * 100 %}{{ l|sort|map('string')|map('reverse')|list|sort|length * input }}",
    # huge ranges and repeats
    "huge range": "{{ range(10**9)|list }}{{ input }}",
    "huge range beyond the word": "{{ range(0, 10**40)|sum }}{{ input }}",
    "repeated text": "{{ input * 10**12 }}",
    "repeated list": "{{ [input] * 999999999 }}",
    "power": "{{ (9 ** 9) ** 9 ** 9 }}{{ input }}",
    "shifted product": "{% set ns = namespace(x=9) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}"
    "{{ ns.x }}{{ input }}",
    "doubling by plus": DOUBLING + "ns.x + ns.x %}{% endfor %}{{ ns.x }}{{ input }}",
    "doubling by tilde": DOUBLING + "ns.x ~ ns.x %}{% endfor %}{{ ns.x }}{{ input }}",
    "doubling by join": DOUBLING + "[ns.x, ns.x]|join(ns.x) %}{% endfor %}{{ ns.x }}{{ input }}",
    "replacing": "{% set t = 'a' * 999999 %}{{ t.replace('a', t) }}{{ input }}",
    # format widths
    "percent width": "{{ '%999999999d' % 1 }}{{ input }}",
    "percent width as argument": "{{ '%*d' % (999999999, 1) }}{{ input }}",
    "percent filter": "{{ '%(a)999999999s'|format(a=input) }}",
    "format width": "{{ '{:>999999999}'.format(input) }}",
    "format width as argument": "{{ '{:>{w}}'.format(input, w=999999999) }}",
    "padding method": "{{ input.ljust(999999999) }}",
    "padding when compiling": "{{ 'a'|center(999999999) }}{{ input }}",
    "indentation": "{{ 'a\nb'|indent(999999999) }}{{ input }}",
    # files
    "absolute include": "{% include '/etc/passwd' %}{{ input }}",
    "include above": "{% include '../secret.j2' %}{{ input }}",
    "include of a link": "{% include 'link.j2' %}{{ input }}",
    "include of another type": "{% include 'secret.txt' %}{{ input }}",
    "computed include": "{% include input %}",
    "include of itself": "{% include 'hostile.j2' %}{{ input }}",
    "import above": "{% import '../secret.j2' as s %}{{ s }}{{ input }}",
    "extends above": "{% extends '../secret.j2' %}{{ input }}",
    # what is not the same each time, and tricks of writing
    "random": "{{ [1, 2, 3]|random }}{{ input }}",
    "filler": "{{ lipsum(n=9999) }}{{ input }}",
    "hidden order": "{{ input }}\u202e }} olleh {{ \u202c",
    "unclosed": "{{ input ",
    "changing the input": "{% do input.append(1) %}{{ input }}",
    "changing a list": "{% set l = [1] %}{{ l.append(2) }}{{ input }}",
}
