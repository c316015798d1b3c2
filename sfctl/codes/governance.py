"""Codes 343–369: approval by the organisation, versions, minimums, what others rely on."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF343": Code(
        "Key revoked",
        "The policy is signed with a key of the organisation that was revoked since.",
        "Have it signed with a key that still counts: `sfctl policy sign`.",
    ),
    "SF344": Code(
        "Nobody to ask",
        "An approval or a rollback asks before it acts, and there is no terminal to ask on.",
        "Look at `sfctl policy diff`, then give --yes.",
    ),
    "SF345": Code(
        "Version not raised",
        "Rules changed and `version:` did not go up. On development targets the new rules replace "
        "the old at once; for prod a changed policy cannot be signed under a number that was "
        "approved before, nor under a lower one.",
        "Raise `version:` in the policy bundle; old and new are then both checked for 7 days.",
    ),
    "SF346": Code(
        "Nothing to approve",
        "The dataset has no compiled policy that could be signed, or its files do not fit.",
        "Run `sfctl compile`, then sign.",
    ),
    "SF347": Code(
        "No such version",
        "History holds no earlier version of this policy, or not the one that was named.",
        "`sfctl policy versions NAME` lists what there was.",
    ),
    "SF348": Code(
        "Minimums not approved",
        "The organisation's minimums bear no signature that counts. On prod nothing compiles "
        "against minimums that anybody could have written.",
        "`sfctl policy sign --minimum` signs them with the organisation's key.",
    ),
    "SF349": Code(
        "Minimums replaced",
        "Minimums were approved at this target, and the file is gone or says something else.",
        "Restore the approved file, or have the new one signed.",
    ),
    "SF350": Code(
        "Source says otherwise",
        "The YAML is not what is active: its draft waits for approval, or it was rolled back.",
        "Sign the draft, or change the YAML and raise `version:`.",
    ),
    "SF351": Code(
        "Job without a contract",
        "A job writes a dataset whose policy promises nothing: neither `contract_lite` nor "
        "`contract`.",
        "Declare at least the required fields under `contract_lite`.",
    ),
    "SF352": Code(
        "Unclaimed table",
        "A table lies in the lake and no dataset of the project says that it is stored there.",
        "`sfctl register --from PATH` makes a dataset of it, or name it under `storage:`.",
    ),
    "SF353": Code(
        "Key exists",
        "A key would be made where a file lies already; keys are never overwritten.",
        "Choose another path, or keep the key that is there.",
    ),
    "SF354": Code(
        "Cannot be compared",
        "A dataset could not be read at the git ref, so nothing can be said of what changed in it.",
        "Look at the file at that ref; a later ref may be readable.",
    ),
    "SF355": Code(
        "No longer prod",
        "Policies were approved for this target as one of production; `sfctl.yml` calls it another "
        "environment now, where nobody's approval would be needed.",
        "Restore `environment: prod`, or give the target of development a name of its own.",
    ),
    "SF356": Code(
        "No history kept",
        "The state store did not take the move of a policy. What is active is not touched by it.",
        "See `sfctl doctor`; the next compile records what is active.",
    ),
    "SF357": Code(
        "Public key refused",
        "The text is no public key of the form ed25519:<base64>.",
        "`sfctl policy keys --generate PATH` prints the public half of a new pair.",
    ),
    "SF358": Code(
        "Address mixes templates",
        "A channel's address takes a secret from a variable or a file and mixes it with another "
        "template. Secrets are filled in when something is sent, where no other template is known.",
        "Write it of plain text, env_var() and file().",
    ),
    "SF359": Code(
        "Below the minimums",
        "A policy that was compiled or approved earlier says less than the organisation demands of "
        "its tier today.",
        "Compile the source against today's minimums and have that signed.",
    ),
}
