/**
 * Tries out a front end from outside, as clients would, with certificates that the service makes for it. The trial is a
 * client only: it has no more rights at the front end than anybody, and sends it nothing secret.
 */
import { CaError } from '../errors.ts'
import { readExtendedKeyUsage } from '../formats/extension-readers.ts'
import { oids } from '../formats/oids.ts'
import { fromPem, toPem } from '../formats/pem.ts'
import { parseCertificate } from '../formats/x509.ts'
import { acceptedIssuers, certificateDemanded, foreignCa, goodGetsIn, phoneGetsIn, selfMadeCa, serverCertificate } from './admission.ts'
import type { Identity, Place, Version } from './ask.ts'
import { answersKept, asksAbout, outage } from './checking.ts'
import { Client, type Told } from './client.ts'
import { fine, found, notTried, type Finding, type Probe, type Result } from './findings.ts'
import { identityHeaders } from './headers.ts'
import { certificationRequest, keyPem, newKey } from './identity.ts'
import { listsInBundle, publishedLists } from './lists.ts'
import { revokedFromTheStart, revokedInTheMiddle } from './revocation.ts'
import { findingOf, type Begun, type Trial } from './trial.ts'

const purposes = ['good', 'revoked', 'later', 'outage'] as const
type Purpose = typeof purposes[number]

/** The service, as a trial needs it. */
export type Door = {
  /** @returns what is to be found, the certificates in PEM by purpose, and the chain that clients send behind them */
  begin(requests: Readonly<Record<Purpose, Buffer>>, own: string | undefined): Promise<Begun & { readonly certificates: Readonly<Record<Purpose, string>>, readonly chain: string }>
  revoke(serialNumber: string): Promise<void>
  asked(): Promise<ReadonlyMap<string, number>>
  end(): Promise<void>
}

export type ExamineOptions = {
  readonly place: Place
  readonly door: Door
  /** PEM of what the server's own certificate is held against; `insecure`: it is somebody else's matter. */
  readonly serverCa: string | undefined
  readonly insecure: boolean
  readonly own: { readonly certificate: string, readonly key: string } | undefined
  readonly foreign: { readonly certificate: string, readonly key: string } | undefined
  readonly echoPath: string | undefined
  readonly identityHeaders: readonly string[]
  /** PEM, what the front end loads. */
  readonly bundle: string | undefined
  /** How long an answer may take. */
  readonly answerMs: number
  readonly lateMs: number
  readonly patienceMs: number
  readonly now: Date
}

export type Report = { readonly probes: readonly Probe[], readonly findings: readonly Finding[], readonly requests: number }

/** @throws {CaError} server-unreachable, invalid-argument, and what the service refuses */
export async function examine(options: ExamineOptions): Promise<Report> {
  const client = new Client(options.place, { ca: options.serverCa, answerMs: options.answerMs })
  const own = options.own === undefined ? undefined : identityOf(options.own, 'phone')
  const foreign = options.foreign === undefined ? undefined : identityOf(options.foreign, 'foreign')
  // Before anything is made at the service.
  if ((await client.ask()).outcome === 'silent') throw new CaError('server-unreachable', 'the front end takes connections and does not answer')
  const keys = Object.fromEntries(purposes.map(purpose => [purpose, newKey()])) as Record<Purpose, ReturnType<typeof newKey>>
  const requests = Object.fromEntries(await Promise.all(purposes.map(async purpose => [purpose, await certificationRequest(keys[purpose])]))) as Record<Purpose, Buffer>
  const { lateMs, patienceMs, now, door } = options
  const { certificates, chain, ...begun } = await door.begin(requests, own?.pem)
  const issued = (purpose: Purpose): Identity => ({ pem: certificates[purpose] + chain, key: keyPem(keys[purpose]), serialNumber: serialNumberOf(certificates[purpose]) })
  const identities = { good: issued('good'), revoked: issued('revoked'), later: issued('later'), outage: issued('outage') }
  try {
    const results = await tryAll({
      client, begun, identities, foreign, versions: ['TLSv1.2', 'TLSv1.3'], lateMs, patienceMs, now,
      // A phone's file may hold its certificate alone; its chain is the same.
      own: own === undefined || fromPem(own.pem, 'CERTIFICATE').length > 1 ? own : { ...own, pem: own.pem + chain },
      revokeLater: async () => { await door.revoke(identities.later.serialNumber) }, asked: door.asked,
    }, options)
    return { probes: results.map(({ probe, verdict, detail }) => ({ probe, verdict, detail })), findings: distinct(results), requests: client.requests }
  } finally {
    // Where this fails, what was counted ends by itself within the hour.
    await door.end().catch(() => {})
  }
}

async function tryAll(all: Trial, options: ExamineOptions): Promise<Result[]> {
  const told = await goodOverEach(all)
  const trial = { ...all, versions: all.versions.filter(version => told.has(version)) }
  if (trial.versions.length === 0) throw new CaError('server-unreachable', 'what answers there speaks neither TLS 1.2 nor TLS 1.3')
  const asks = await asksAbout(trial, trial.identities.good)
  if (trial.own !== undefined) await asksAbout(trial, trial.own)
  const good = goodGetsIn(trial, told, asks)
  return [
    await serverCertificate(trial, told, options.insecure), await certificateDemanded(trial), await acceptedIssuers(trial), good, await phoneGetsIn(trial),
    await selfMadeCa(trial), await foreignCa(trial),
    ...await revocations(trial, good.verdict === 'fine', [...told.values()].every(({ outcome }) => outcome === 'passed')),
    await answersKept(trial), await outage(trial, asks), await identityHeaders(trial, options.identityHeaders, options.echoPath),
    publishedLists(trial), options.bundle === undefined ? notTried('lists in the bundle', 'the file that the front end loads was not given (--bundle FILE)') : listsInBundle(trial, options.bundle),
    agentOf(trial),
  ]
}

/** @param passes  whether a good certificate is seen to get in, rather than known to be asked about */
async function revocations(trial: Trial, isGoodIn: boolean, passes: boolean): Promise<Result[]> {
  if (!isGoodIn) return [notTried('revoked certificates', 'a good one is refused as well')]
  const results = [await revokedFromTheStart(trial), ...await revokedInTheMiddle(trial, passes)]
  return passes ? results : results.map(result => ({ ...result, detail: `${result.detail} (as every probe that Latchkey is asked about)` }))
}

/** The versions that the server speaks, each with what it does with a good certificate. */
async function goodOverEach({ client, versions, identities: { good } }: Trial): Promise<Map<Version, Told>> {
  const told = new Map<Version, Told>()
  for (const version of versions) {
    const each = await client.askSteadily({ identity: good, version })
    if (!/^(protocol_version|ERR_SSL_(UNSUPPORTED_PROTOCOL|WRONG_VERSION_NUMBER|TLS_ALERT_PROTOCOL_VERSION|VERSION_TOO_LOW))$/.test(each.heard.why)) told.set(version, each)
  }
  return told
}

function agentOf(trial: Trial): Result {
  const probe = 'its agent'
  const { standing } = trial.begun
  if (standing === null) return notTried(probe, 'none was ever heard')
  if (standing === 'in-force') return fine(probe, standing)
  return found(probe, standing, findingOf(trial, 'agent-not-in-force', 'risk', `the service knows its agent as ${standing}`))
}

/** The same may be seen in two ways. */
function distinct(results: readonly Result[]): Finding[] {
  const findings = results.flatMap(each => each.findings)
  return findings.filter(({ code, sentence }, index) => findings.findIndex(other => other.code === code && other.sentence === sentence) === index)
}

const serialNumberOf = (pem: string): string => parseCertificate(fromPem(pem, 'CERTIFICATE')[0]!).serialNumber

function identityOf({ certificate: pem, key }: { certificate: string, key: string }, whose: string): Identity {
  const [der, ...chain] = fromPem(pem, 'CERTIFICATE')
  if (der === undefined) throw new CaError('invalid-argument', `there is no ${whose} certificate in the file`)
  const certificate = parseCertificate(der)
  if (readExtendedKeyUsage(certificate)?.includes(oids.clientAuth) === false) throw new CaError('invalid-argument', `the ${whose} certificate is not for clients`)
  // A file may hold the key as well, and certificates go to the service.
  return { pem: [der, ...chain].map(each => toPem('CERTIFICATE', each)).join(''), key, serialNumber: certificate.serialNumber }
}
