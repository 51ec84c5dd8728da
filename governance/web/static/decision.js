// The decision form without detours: only the reasons that fit the decision, with their meaning.
const form = document.getElementById("decision");
if (form) {
  const select = form.elements.reason;
  const comment = form.elements.comment;
  const groups = [...select.querySelectorAll("optgroup")];

  const fit = () => {
    const decision = form.elements.decision.value;
    for (const answer of form.querySelectorAll("[name=deep_fake]")) {
      answer.required = decision === "approve";
    }
    for (const group of groups) {
      if (!decision || group.dataset.decision === decision) select.append(group);
      else group.remove();
    }
    // Removing the selected option selects another one; only one that was chosen may count.
    if (decision && select.selectedOptions[0]?.parentElement.dataset.decision !== decision) {
      select.value = "";
    }
    explain();
  };

  const explain = () => {
    const option = select.selectedOptions[0];
    document.getElementById("reason-hint").textContent = option?.dataset.hint ?? "";
    comment.required = option?.dataset.comment === "required";
    document.getElementById("comment-need").textContent = comment.required
      ? "(this reason needs one)"
      : "(not needed for this reason)";
    document.getElementById("comment-need").hidden = !select.value;
  };

  form.addEventListener("change", (event) => (event.target.name === "decision" ? fit() : explain()));
  fit();
}
document.getElementById("fault")?.focus();
