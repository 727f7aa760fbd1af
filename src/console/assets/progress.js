// Follows work that goes on while its page is open. Without this script the page asks for itself again.
const region = () => document.querySelector('[data-progress]')

async function look() {
  const here = region()
  if (here === null) return
  let wait = Number(here.dataset.progress) * 1000
  try {
    const answer = document.hidden ? undefined : await fetch(location.href, { cache: 'no-store' })
    // Signed out meanwhile, or gone: the page that says so is the one to show.
    if (answer?.redirected || answer?.status === 404) return location.reload()
    if (answer?.ok) show(here, new DOMParser().parseFromString(await answer.text(), 'text/html'))
  } catch {
    wait *= 5
  }
  setTimeout(look, wait)
}

function show(here, page) {
  const now = page.getElementById(here.id)
  if (now === null) return location.reload()
  here.replaceChildren(...now.childNodes)
  if (now.dataset.progress !== undefined) return
  // It is done: what can be done next stands below.
  here.removeAttribute('data-progress')
  const main = here.parentElement
  const lost = [...main.children].some(part => follows(here, part) && part.contains(document.activeElement))
  for (const part of [...main.children]) if (follows(here, part)) part.remove()
  main.append(...[...now.parentElement.children].filter(part => follows(now, part)))
  if (lost) main.focus()
}

const follows = (one, other) => (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0 && !one.contains(other)

setTimeout(look, Number(region()?.dataset.progress ?? 0) * 1000)
