// Follows an enrollment while its page is open. Without this script the page asks for itself again.
const region = document.getElementById('follow')
const say = document.getElementById('say')

if (region !== null && say !== null) {
  let version = region.dataset.version
  let wait = region.dataset.wait ? Number(region.dataset.wait) : null
  let failures = 0
  let begun = false
  let timer

  const show = (selector, visible) => {
    for (const element of document.querySelectorAll(selector)) element.hidden = !visible
  }

  const later = () => {
    clearTimeout(timer)
    if (wait !== null) timer = setTimeout(look, Math.min(wait * 2 ** failures, 60) * 1000)
  }

  const look = async () => {
    clearTimeout(timer)
    if (document.hidden) return
    try {
      const answer = await fetch(region.dataset.follow, { headers: { accept: 'application/json' }, cache: 'no-store' })
      if (!answer.ok) throw new Error('no state')
      const state = await answer.json()
      failures = 0
      if (state.version !== version) {
        version = state.version
        region.innerHTML = state.html
        region.hidden = false
        say.textContent = state.say
      }
      if (begun && state.begun) {
        show('[data-steps]', state.steps)
        show('[data-again]', state.again)
      }
      // After Start the page looks on until the phone has begun, however little there is to see.
      wait = state.wait ?? (begun && !state.begun ? 2 : null)
    } catch {
      failures = Math.min(failures + 1, 5)
    }
    later()
  }

  const begin = () => {
    begun = true
    show('[data-before]', false)
    show('[data-again]', false)
    show('[data-steps]', true)
    document.getElementById('next')?.focus()
    wait = 2
    look()
  }

  document.addEventListener('click', event => {
    // Safari asks its question first; what is under it moves afterwards.
    if (event.target.closest('[data-start]')) setTimeout(begin, 700)
  })
  // The owner comes back from Settings.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && wait !== null) look()
  })
  later()
}
