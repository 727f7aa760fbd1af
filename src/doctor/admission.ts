/** Who gets in at all: nobody without a certificate, everybody with a good one, nobody with that of another CA. */
import { parseDer } from '../formats/der.ts'
import { formatName, parseName } from '../formats/names.ts'
import { said, type Identity, type Outcome } from './ask.ts'
import type { Told } from './client.ts'
import { fine, found, notTried, type Finding, type FindingCode, type Result } from './findings.ts'
import { selfMadeIdentities } from './identity.ts'
import { readServerHello } from './server-hello.ts'
import { findingOf, type Trial } from './trial.ts'

const worst = (told: readonly Told[]): Told => told.find(({ outcome }) => outcome === 'passed') ?? told.find(({ outcome }) => outcome === 'by-check') ?? told[0]!

/** Asks over every version; what was let in counts, then what TLS let in. */
async function askAll({ client, versions }: Trial, identity: Identity | undefined): Promise<Told> {
  const told: Told[] = []
  for (const version of versions) told.push(await client.ask({ version, ...identity !== undefined && { identity } }))
  return worst(told)
}

export async function certificateDemanded(trial: Trial): Promise<Result> {
  const probe = 'a certificate is demanded'
  const { heard, outcome } = await askAll(trial, undefined)
  const code = 'certificate-optional'
  return judged(probe, said(heard), outcome, {
    passed: () => findingOf(trial, code, 'hole', 'a request without a certificate gets past the front end'),
    // A second guard that is asked with no certificate at all has only our word for what it says then.
    'by-check': () => findingOf(trial, code, 'risk', 'the handshake demands no certificate: only what checks each request refuses who has none'),
  })
}

export async function selfMadeCa(trial: Trial): Promise<Result> {
  const issuing = trial.begun.trusted.find(({ role }) => role === 'issuing')
  const probe = 'a CA that anybody can make'
  if (issuing === undefined) return notTried(probe, 'there is no issuing CA')
  return await foreignBy(trial, probe, 'self-made-ca-accepted', await selfMadeIdentities(issuing.certificate, trial.now), 'of a CA that anybody can make')
}

/**
 * Such a certificate is taken from a file and never made here. The root signs nothing short-lived, and whatever trusts it
 * and knows no list of that CA (Wi-Fi, VPN, a front end that was set up wrongly: the very thing to be found) would let in
 * whoever gets hold of the file. Below a root of Latchkey's own there is no other CA anyway; above all it is for a root
 * that was brought along, and those who keep that one can have a certificate made by another CA below it.
 */
export async function foreignCa(trial: Trial): Promise<Result> {
  const probe = 'another CA under the same root'
  if (trial.foreign === undefined) return notTried(probe, 'no certificate of one was given (--foreign-certificate, --foreign-key)')
  return await foreignBy(trial, probe, 'foreign-ca-accepted', [trial.foreign], 'of another CA under the root')
}

async function foreignBy(trial: Trial, probe: string, code: FindingCode, identities: readonly Identity[], whose: string): Promise<Result> {
  const told: Told[] = []
  for (const identity of identities) told.push(await askAll(trial, identity))
  const { heard, outcome } = worst(told)
  return judged(probe, said(heard), outcome, {
    passed: () => findingOf(trial, code, 'hole', `a certificate ${whose} gets past the front end`),
    'by-check': () => findingOf(trial, code, 'risk', `the handshake accepts a certificate ${whose}: only what checks each request refuses it`),
  })
}

function judged(probe: string, detail: string, outcome: Outcome, findings: Partial<Record<Outcome, () => Finding>>): Result {
  if (outcome === 'silent') return notTried(probe, 'no answer in time')
  const finding = findings[outcome]?.()
  return finding === undefined ? fine(probe, `refused: ${detail}`) : found(probe, detail, finding)
}

/** Whether who may gets in; where not, what the refusal says about why. */
export function goodGetsIn(trial: Trial, told: ReadonlyMap<string, Told>, asks: boolean): Result {
  const probe = 'a good certificate'
  const refused = [...told].filter(([, { outcome }]) => outcome !== 'passed' && !(asks && outcome === 'by-check'))
  const detail = [...told].map(([version, { heard }]) => `${version}: ${said(heard)}`).join('; ')
  if (refused.length === 0) return fine(probe, asks && [...told].every(([, { outcome }]) => outcome === 'by-check') ? `${detail}: Latchkey was asked, and said that it is a probe` : detail)
  return found(probe, detail, causeOf(trial, refused[0]![1]))
}

/** A certificate for nobody has not everything that a phone's has: what a front end cannot read shows with a phone's alone. */
export async function phoneGetsIn(trial: Trial): Promise<Result> {
  const probe = 'a phone’s certificate'
  if (trial.own === undefined) return notTried(probe, 'none was given (--certificate, --key)')
  const told: [string, Told][] = []
  for (const version of trial.versions) told.push([version, await trial.client.askSteadily({ identity: trial.own, version })])
  const detail = told.map(([version, { heard }]) => `${version}: ${said(heard)}`).join('; ')
  const refused = told.find(([, { outcome }]) => outcome !== 'passed')
  return refused === undefined ? fine(probe, detail) : found(probe, detail, causeOf(trial, refused[1]))
}

/** HAProxy and others send an alert that tells one cause from another; nginx says 400 to all. */
function causeOf(trial: Trial, { heard, outcome }: Told): Finding {
  const { why, headers } = heard
  if (headers['latchkey-decision'] === 'stale') return findingOf(trial, 'front-end-stale', 'outage', 'everybody is refused: nothing new has come from the agent for too long, or nothing yet')
  if (why === 'certificate_expired') {
    return findingOf(trial, 'list-ended', 'outage', 'a certificate that was issued a moment ago is refused as expired: a list that the front end holds has ended')
  }
  if (why === 'unknown_ca') {
    const cause = 'a list is missing, most likely that of the root; else the issuing CA is not among those it trusts'
    return findingOf(trial, 'list-missing', 'outage', `a good certificate is refused as of an unknown CA: ${cause}`)
  }
  if (outcome === 'by-certificate') {
    const causes = 'the list of the root is missing, or another one is missing or has ended, or the issuing CA is not trusted'
    return findingOf(trial, 'good-refused', 'outage', `everybody is refused (${said(heard)}): ${causes}`)
  }
  return findingOf(trial, 'good-refused', 'outage', `a good certificate is refused (${said(heard)})`)
}

export async function serverCertificate(trial: Trial, told: ReadonlyMap<string, Told>, insecure: boolean): Promise<Result> {
  const probe = 'the server’s own certificate'
  if (insecure) return notTried(probe, '--insecure was given')
  const heard = [...told.values()].map(each => each.heard).find(({ serverNotAfter }) => serverNotAfter !== undefined)
  if (heard === undefined) return notTried(probe, 'no handshake came to its end')
  const { serverFault, serverNotAfter } = heard
  if (serverFault !== undefined) {
    return found(probe, serverFault, findingOf(trial, 'server-certificate', 'outage', `phones do not believe the server: ${serverWords[serverFault] ?? serverFault}`))
  }
  const days = Math.floor((serverNotAfter!.getTime() - trial.now.getTime()) / 86_400_000)
  if (days < 7) {
    return found(probe, `${days} days left`, findingOf(trial, 'server-certificate', 'outage', `the server’s own certificate ends at ${serverNotAfter!.toISOString()}`))
  }
  return fine(probe, `until ${serverNotAfter!.toISOString().slice(0, 10)}`)
}

const serverWords: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'a CA between its certificate and the root is not sent along',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its root is not trusted here, or a CA before it is not sent along',
  UNABLE_TO_GET_ISSUER_CERT: 'a CA above it is not sent along', SELF_SIGNED_CERT_IN_CHAIN: 'its root is not trusted here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody else',
  CERT_HAS_EXPIRED: 'its certificate has ended', CERT_NOT_YET_VALID: 'its certificate is not valid yet', ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

/** Phones choose their certificate by the names that the server accepts; names of CAs that nobody should trust are too many. */
export async function acceptedIssuers(trial: Trial): Promise<Result> {
  const probe = 'the CAs that it names'
  const { host, port, serverName } = trial.client.place
  const hello = await readServerHello(host, port, serverName)
  if (hello === undefined) return notTried(probe, 'only TLS 1.2 tells, and the server does not speak it')
  if (hello.issuers === undefined) return notTried(probe, 'it asks for no certificate')
  if (hello.issuers.length === 0) return fine(probe, 'none')
  const { trusted, untrusted } = trial.begun
  const isNamed = (name: Buffer) => hello.issuers!.some(issuer => issuer.equals(name))
  const foreign = hello.issuers.filter(issuer => !trusted.some(({ certificate }) => certificate.subject.raw.equals(issuer)))
  const findings = foreign.map(issuer => {
    const ours = untrusted.find(({ certificate }) => certificate.subject.raw.equals(issuer))
    return findingOf(trial, 'accepted-issuers-foreign', ours === undefined ? 'risk' : 'hole', ours === undefined
      ? `it accepts certificates of ${inWords(issuer)}, which is none of Latchkey’s` : `it accepts certificates of ${inWords(issuer)}, which opens nothing anywhere else`)
  })
  if (!trusted.some(({ role, certificate }) => role === 'issuing' && (isNamed(certificate.subject.raw) || isNamed(certificate.issuer.raw)))) {
    findings.push(findingOf(trial, 'accepted-issuers-missing', 'outage', 'it names neither the issuing CA nor its root, so phones do not know which certificate to send'))
  }
  const detail = hello.issuers.map(inWords).join('; ')
  return findings.length > 0 ? found(probe, detail, ...findings) : fine(probe, detail)
}

function inWords(name: Buffer): string {
  try {
    return formatName(parseName(parseDer(name))).slice(0, 200)
  } catch {
    return 'a name that cannot be read'
  }
}
