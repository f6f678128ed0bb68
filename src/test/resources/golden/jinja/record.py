#!/usr/bin/env python3
"""Records what Python's jinja2 makes of the cases beside this script.

    pip install 'jinja2>=3.1.5' && python record.py

snippets.txt holds one template a line (`⏎` stands for a line end; printed
expressions side by side are taken apart); chats/*.jinja are chat templates of our own, in the shapes that model
families use, which chats.json puts together with conversations. Writes snippets.json and chats.out.json: the text, or the error.
The environment is the one that Hugging Face's libraries run chat templates in.
"""
import datetime
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2025, 3, 7, 9, 5, 2)

VARIABLES = {
    "n": 7, "zero": 0, "neg": -3, "pi": 3.14159, "half": 0.5, "big": 12345678901234567890, "yes": True, "no": False, "nil": None,
    "s": "Hello World", "empty": "", "ws": "  \t padded \n ", "uni": "naïve 中文 😀 ß", "html": "<a href=\"x\">T&J's</a>",
    "lines": "one\ntwo\n\nthree\n", "csv": "a,b,,c", "words": "the quick  brown fox",
    "xs": [3, 1, 2], "strs": ["b", "A", "c", "a"], "mixed": [1, "two", 3.0, None, True, [1], {"k": "v"}], "nested": [[1, 2], [3, [4, 5]]],
    "d": {"b": 2, "a": 1, "C": 3}, "e": {}, "el": [],
    "users": [{"name": "ann", "age": 31, "tags": ["x", "y"]}, {"name": "Bob", "age": 25, "tags": []}, {"name": "cid", "age": 31}],
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}],
    "items_key": {"items": [1, 2], "keys": "k", "get": 5, "x y": 1},
    "tool": {"type": "function", "function": {"name": "get_weather", "description": "Weather \"now\" <in> a city\n", "parameters":
             {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1.5}}, "required": ["city"]}}},
}


class Generation(Extension):
    """The tag that marks an assistant's part, as Hugging Face has it."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return CallBlock(self.call_method("_keep"), [], [], body).set_lineno(line)

    def _keep(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return env


def kind(error):
    if isinstance(error, (jinja2.exceptions.TemplateSyntaxError, SyntaxError)):
        return "SYNTAX"
    if isinstance(error, jinja2.exceptions.SecurityError):
        return "SECURITY"
    if isinstance(error, jinja2.exceptions.UndefinedError):
        return "UNDEFINED"
    if type(error) is jinja2.exceptions.TemplateError:
        return "RAISED"
    if isinstance(error, OverflowError) and "Range too big" in str(error):
        return "LIMIT"
    return "TYPE"


def run(env, template, variables):
    try:
        return {"text": env.from_string(template).render(**variables)}
    except Exception as e:  # whatever Python raises is what the template does
        return {"error": kind(e), "message": str(e)}


def main():
    env = environment()
    lines = (HERE / "snippets.txt").read_text(encoding="utf-8").split("\n")
    cases = []
    for line in lines:
        if not line or line.startswith("##"):
            continue
        # expressions side by side are cases of their own, so that one error doesn't hide the others
        several = line.startswith("{{") and "{%" not in line and "{#" not in line and "⏎" not in line and "}}{{" not in line
        cases += line.replace("}} {{", "}}⏎{{").split("⏎") if several else [line.replace("⏎", "\n")]
    out = [{"template": t, **run(env, t, VARIABLES)} for t in cases]
    (HERE / "snippets.json").write_text(json.dumps({"variables": VARIABLES, "cases": out}, ensure_ascii=True, indent=0) + "\n")
    errors = sum("error" in o for o in out)
    print(len(out), "snippets,", errors, "of them errors")

    spec = json.loads((HERE / "chats.json").read_text(encoding="utf-8"))
    chats = []
    for path in sorted((HERE / "chats").glob("*.jinja")):
        for chat in spec["chats"]:
            variables = {"tools": None, "documents": None, "add_generation_prompt": False, **spec["tokens"], **chat["variables"]}
            chats.append({"template": path.name, "chat": chat["name"], **run(env, path.read_text(encoding="utf-8"), variables)})
    (HERE / "chats.out.json").write_text(json.dumps(chats, ensure_ascii=True, indent=0) + "\n")
    print(len(chats), "chats,", sum("error" in o for o in chats), "of them errors")


if __name__ == "__main__":
    main()
