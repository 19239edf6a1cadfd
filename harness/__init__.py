"""A benchmark harness for Japanese LLM fine-tunes: specs to answers to judgements to honest statistics."""
