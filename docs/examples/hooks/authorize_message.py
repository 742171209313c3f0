from balefire import Denied, Submission, Verdict, hookimpl


@hookimpl
async def authorize_message(submission: Submission) -> Verdict | None:
    if submission.payload.fields.get("text") == "open sesame":
        return Denied("too_easy", "choose a better password")
    return None
