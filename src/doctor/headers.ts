/** Whether what a client says about certificates gets to what stands behind the front end. */
import { randomBytes } from 'node:crypto'
import { said } from './ask.ts'
import { found, fine, notTried, type Result } from './findings.ts'
import { findingOf, type Trial } from './trial.ts'

type Sent = { readonly name: string, readonly value: string }

/** Every header under its name, and as servers read it that take an underscore for a hyphen; each with a value of its own. */
function spellings(names: readonly string[]): Sent[] {
  const nonce = randomBytes(8).toString('hex')
  const spelled = names.flatMap(name => [name, name.replaceAll('-', '_'), name.replace('-', '_')])
  return [...new Set(spelled)].map((name, index) => ({ name, value: `latchkey-${nonce}-${String(index).padStart(3, '0')}` }))
}

/** Some servers take no more fields than a hundred, or 8 KiB of them. */
const mostAtOnce = 30

/**
 * @param names  headers in which a back end might be told of a client certificate
 * @param echoPath  behind it stands something that answers with the headers that it got
 */
export async function identityHeaders(trial: Trial, names: readonly string[], echoPath: string | undefined): Promise<Result> {
  const probe = 'identity headers of the client'
  const { client, own, versions } = trial
  if (echoPath === undefined) return notTried(probe, 'nothing tells what arrives behind the front end (--echo PATH, with `latchkey front-end echo` behind it)')
  if (own === undefined) return notTried(probe, 'only a phone’s certificate gets as far as that (--certificate, --key)')
  const control = { name: 'X-Latchkey-Doctor', value: `latchkey-${randomBytes(8).toString('hex')}` }
  const passed: string[] = []
  const sent = spellings(names)
  for (let at = 0; at < sent.length; at += mostAtOnce) {
    const some = sent.slice(at, at + mostAtOnce)
    // The second one of a name is what a front end overlooks that overwrites only the first.
    const twice = some.map(({ name, value }) => ({ name, value: `${value}-again` }))
    const headers = [control, ...some, ...twice].flatMap(({ name, value }) => [name, value])
    const { heard, outcome } = await client.ask({ identity: own, version: versions.at(-1)!, path: echoPath, headers })
    if (outcome !== 'passed') return notTried(probe, `${echoPath} answered ${said(heard)}`)
    if (!heard.body.includes(control.value)) return notTried(probe, `what answers at ${echoPath} does not say which headers it got`)
    passed.push(...some.filter(({ value }) => heard.body.includes(value)).map(({ name }) => name))
  }
  if (passed.length === 0) return fine(probe, `none of ${sent.length} spellings arrives`)
  const sentence = `what the client itself writes arrives behind the front end in ${passed.join(', ')}`
  return found(probe, `${passed.length} of ${sent.length} spellings arrive`, findingOf(trial, 'identity-header-passed', 'hole', sentence))
}
