"""An outcome as JUnit XML: a suite a dataset or file, a case a rule or check."""

from __future__ import annotations

from xml.etree import ElementTree

from sfctl.report.outcome import Finding, Outcome


def document(outcome: Outcome) -> str:
    """Return the findings as JUnit XML; warnings pass and are kept as the case's output."""
    counted = [f for f in outcome.findings if _failed(f)]
    root = ElementTree.Element(
        "testsuites",
        name=f"sfctl {outcome.verb}",
        tests=str(len(outcome.findings)),
        failures=str(len(counted)),
        errors="0",
    )
    suites: dict[str, list[Finding]] = {}
    for finding in outcome.findings:
        suites.setdefault(finding.suite or finding.path or outcome.verb, []).append(finding)
    for name, findings in suites.items():
        failures = sum(_failed(f) for f in findings)
        skipped = sum(f.skipped for f in findings)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(findings)),
            failures=str(failures),
            skipped=str(skipped),
            errors="0",
        )
        for finding in findings:
            suite.append(_case(finding, name))
    ElementTree.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + ElementTree.tostring(root, encoding="unicode")


def _case(finding: Finding, suite: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=suite, name=finding.name or finding.code)
    said = _clean(f"{_place(finding)}{finding.code} {finding.message}".strip())
    if finding.skipped:
        ElementTree.SubElement(case, "skipped", message=said)
    elif _failed(finding):
        ElementTree.SubElement(case, "failure", message=said, type=finding.code or "rule")
    elif not finding.passed:
        ElementTree.SubElement(case, "system-out").text = said
    return case


def _failed(finding: Finding) -> bool:
    return finding.severity == "error" and not finding.passed and not finding.skipped


def _place(finding: Finding) -> str:
    if not finding.path:
        return ""
    return f"{finding.path}:{finding.line}:{finding.col} " if finding.line else f"{finding.path} "


def _clean(text: str) -> str:
    """XML 1.0 has no control characters, not even escaped."""
    return "".join(c for c in text if c in "\t\n" or ord(c) >= 32)
