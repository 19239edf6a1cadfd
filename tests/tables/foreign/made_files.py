"""Small files as the five tools write them, made up: two tasks, the models A and B, and one file for each oddity."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

TASKS = ({"task_id": "0", "input": "1に1を足すと？"}, {"task_id": "1", "input": "空は何色ですか？"})
ANSWERS = {"A": ("2です。", "青です。"), "B": ("3です。", "青い。")}
ZSTD = 93


def text_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_tasks(folder: Path) -> Path:
    path = folder / "tasks.jsonl"
    path.write_text("".join(text_of(task) + "\n" for task in TASKS), encoding="utf-8")
    return path


def inspect_sample(
    number: int, answer: str, scores: Mapping[str, Any], *, epoch: int = 1, **more: Any
) -> dict[str, Any]:
    return {
        "id": number,
        "epoch": epoch,
        "input": TASKS[number]["input"],
        "target": "",
        "output": {"choices": [{"message": {"role": "assistant", "content": answer}, "stop_reason": "stop"}]},
        "scores": {name: {"value": value, "explanation": "理由"} for name, value in scores.items()},
    } | more


def inspect_log(samples: Sequence[Any], *, model: str = "m/A", status: str = "success") -> dict[str, Any]:
    return {"version": 2, "status": status, "eval": {"model": model, "task": "sums"}, "samples": list(samples)}


def inspect_samples(model: str = "A", values: Sequence[Any] = ("4", "2")) -> list[dict[str, Any]]:
    return [inspect_sample(n, ANSWERS[model][n], {"graded": value}) for n, value in enumerate(values)]


def inspect_eval(log: Mapping[str, Any]) -> bytes:
    """Return a log as `.eval`: a header, and each sample packed by Zstandard."""
    members = {"header.json": {key: value for key, value in log.items() if key != "samples"}} | {
        f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in reversed(log["samples"])
    }
    return zstd_zip({name: text_of(value).encode() for name, value in members.items()})


def zstd_zip(members: Mapping[str, bytes], sizes: Mapping[str, int] | None = None) -> bytes:
    """Return a ZIP file of members packed by Zstandard; ``sizes`` are what some of them declare instead."""
    packed = {name: pa.compress(data, codec="zstd", asbytes=True) for name, data in members.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in members:
            archive.writestr(name, packed[name])
    data = bytearray(buffer.getvalue())
    # zipfile of this Python writes no method 93, so the entries say so afterwards: method, CRC and size.
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        infos, place = archive.infolist(), archive.start_dir
    for info in infos:
        whole = members[info.filename]
        size = (sizes or {}).get(info.filename, len(whole))
        for start, shift in ((info.header_offset, 0), (place, 2)):
            data[start + 8 + shift : start + 10 + shift] = ZSTD.to_bytes(2, "little")
            data[start + 14 + shift : start + 18 + shift] = zlib.crc32(whole).to_bytes(4, "little")
            data[start + 22 + shift : start + 26 + shift] = size.to_bytes(4, "little")
        place += 46 + len(info.filename.encode())
    return bytes(data)


def lm_eval_line(number: int, answer: object, metrics: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "doc_id": number,
        "doc": {"question": TASKS[number]["input"], "gold": ""},
        "target": "",
        "arguments": {"gen_args_0": {"arg_0": f"問：{TASKS[number]['input']}\n答："}},
        "resps": [[answer]],
        "filtered_resps": [answer],
        "filter": "none",
        "metrics": list(metrics),
    } | {**metrics, **more}


def flexeval_line(number: int, answer: object, score: object, **more: Any) -> dict[str, Any]:
    return {
        "lm_output": answer,
        "references": [],
        "extra_info": {"messages": [{"role": "user", "content": TASKS[number]["input"]}]},
        "llm_score": score,
        "llm_score_output": "評価できません" if score is None else f"点数は{score}",
    } | more


def promptfoo_result(number: int, model: str, score: object, *, passed: bool, reason: str = "良い", **more: Any) -> Any:
    return {
        "testIdx": number,
        "promptIdx": "AB".index(model),
        "provider": {"id": f"stored:{model}", "label": model},
        "vars": {"task_id": number, "input": TASKS[number]["input"]},
        "response": {"output": ANSWERS[model][number]},
        "error": None if passed else reason,
        "failureReason": 0 if passed else 1,
        "success": passed,
        "score": score,
        "gradingResult": {
            "pass": passed, "score": score, "reason": reason,
            "componentResults": [
                {"pass": passed, "score": score, "reason": reason, "assertion": {"type": "llm-rubric"}}
            ],
        },
    } | more  # fmt: skip


def promptfoo(results: Sequence[Any]) -> dict[str, Any]:
    return {"evalId": "e", "results": {"version": 3, "results": list(results)}, "config": {}}


def deepeval_case(number: int, answer: object, score: object, **more: Any) -> dict[str, Any]:
    data = {"name": "quality [GEval]", "threshold": 0.5, "success": True, "score": score, "reason": "理由"} | more
    return {"name": f"case_{number}", "input": TASKS[number]["input"], "actualOutput": answer, "metricsData": [data]}


def deepeval(cases: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {"testCases": list(cases), "metricsScores": [], "testPassed": 1, "hyperparameters": {"model": "A"}} | more


def write_json(path: Path, value: object) -> Path:
    path.write_text(text_of(value), encoding="utf-8")
    return path


def write_lines(path: Path, values: Sequence[object]) -> Path:
    path.write_text("".join(text_of(value) + "\n" for value in values), encoding="utf-8")
    return path
