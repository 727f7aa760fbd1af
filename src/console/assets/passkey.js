// Passkeys need the browser; everything else on these pages works without this script.
const form = document.querySelector('form[data-passkey]')

const bytesOf = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), character => character.charCodeAt(0))
const textOf = buffer => buffer && btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
const named = list => (list ?? []).map(({ id, ...rest }) => ({ ...rest, id: bytesOf(id) }))

// By hand, because Safari learned parseCreationOptionsFromJSON and toJSON only in 18.4.
async function make(options) {
  const publicKey = { ...options, challenge: bytesOf(options.challenge), user: { ...options.user, id: bytesOf(options.user.id) }, excludeCredentials: named(options.excludeCredentials) }
  const made = await navigator.credentials.create({ publicKey })
  return answer(made, { attestationObject: textOf(made.response.attestationObject), transports: made.response.getTransports?.() ?? [] })
}

async function use(options) {
  const used = await navigator.credentials.get({ publicKey: { ...options, challenge: bytesOf(options.challenge), allowCredentials: named(options.allowCredentials) } })
  const { authenticatorData, signature, userHandle } = used.response
  return answer(used, { authenticatorData: textOf(authenticatorData), signature: textOf(signature), userHandle: textOf(userHandle) })
}

const answer = (credential, response) => JSON.stringify({
  id: credential.id, rawId: textOf(credential.rawId), type: credential.type, authenticatorAttachment: credential.authenticatorAttachment,
  response: { clientDataJSON: textOf(credential.response.clientDataJSON), ...response },
})

async function run(event) {
  event.preventDefault()
  const said = form.querySelector('[role=status]')
  const button = form.querySelector('button')
  said.textContent = ''
  button.disabled = true
  try {
    const options = JSON.parse(form.dataset.options)
    form.elements.credential.value = form.dataset.passkey === 'make' ? await make(options) : await use(options)
    form.submit()
  } catch (error) {
    button.disabled = false
    said.textContent = error.name === 'InvalidStateError' ? 'This device has a passkey here already.' : 'No passkey was used. Try again when you are ready.'
  }
}

// A passkey belongs to a host name: under any other the button would only fail.
const host = form?.dataset.host
if (form && window.PublicKeyCredential && (location.hostname === host || location.hostname.endsWith(`.${host}`))) {
  form.addEventListener('submit', run)
  form.hidden = false
  document.querySelectorAll('[data-without-passkey]').forEach(element => { element.hidden = true })
}
