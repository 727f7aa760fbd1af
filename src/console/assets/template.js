// Asks what the text means while it is typed; the buttons do the same without this.
for (const form of document.querySelectorAll('form[data-check]')) {
  const target = document.getElementById(form.dataset.preview)
  let timer
  let asked
  const ask = async () => {
    asked?.abort()
    asked = new AbortController()
    try {
      const answer = await fetch(form.dataset.check, { method: 'POST', body: new URLSearchParams(new FormData(form)), signal: asked.signal, redirect: 'error' })
      // A fragment of our own, escaped where it was made.
      if (answer.ok) target.innerHTML = await answer.text()
    } catch {
      // Typed on, or not reachable now: the next key asks again.
    }
  }
  form.elements.text.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(ask, 400)
  })
}
