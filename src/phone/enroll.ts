/** Over-the-Air enrollment from the invitation link to the installed identity, as one person and one phone go through it. */
import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaError } from '../errors.ts'
import type { PlistDictionary } from '../formats/plist.ts'
import { issueDeviceIdentity } from './device-identity.ts'
import type { PhoneIdentity } from './device-identity.ts'
import { phoneTimeoutMs } from './http.ts'
import { installIdentity } from './install.ts'
import type { InstallOptions } from './install.ts'
import { readDeviceCa } from './make-ca.ts'
import { otherPhone, stallingBody, tampered, udidFor, withLie } from './misbehave.ts'
import type { Misbehaviour } from './misbehave.ts'
import { attributesFor, postSigned, readProfileService, signAttributes } from './ota.ts'
import type { PhoneDescription, ProfileServiceRequest } from './ota.ts'
import { writeIdentity, writeProfile } from './out-folder.ts'
import type { InstalledIdentity } from './out-folder.ts'
import { EnrollmentEnded } from './outcome.ts'
import type { Refusal } from './outcome.ts'
import { downloadProfile, openInvitation } from './pages.ts'
import { decryptProfile, identityPayloadIn, openProfile, payloadsIn, payloadTypes } from './profile.ts'
import type { SignatureState } from './profile.ts'
import { readScepPayload } from './scep-payload.ts'
import type { ScepPayload } from './scep-payload.ts'

export type StopBefore = 'first-post' | 'bootstrap-scep' | 'second-post' | 'scep'

export type EnrollOptions = {
  /** the invitation: an address of the form `…/i/{token}` */
  readonly link: string
  readonly product: string
  readonly build: string
  readonly serial: string
  /** made from the serial number when left out */
  readonly udid?: string
  readonly osVersion?: string
  /** what `makeDeviceCa` wrote */
  readonly deviceCaDir: string
  /** where to write `profile.mobileconfig`, `cert.pem`, `chain.pem` and `key.pem` */
  readonly out?: string
  readonly stopBefore?: StopBefore
  readonly misbehave?: Misbehaviour
  /** RSA keys made beforehand, to save their time */
  readonly keys?: { readonly device?: KeyObject, readonly bootstrap?: KeyObject, readonly identity?: KeyObject }
  readonly secondPostDigest?: 'sha1' | 'sha256'
  readonly timeoutMs?: number
  readonly now: () => Date
  /** lets the time between two questions to SCEP pass */
  readonly wait?: (seconds: number) => Promise<void>
}

export type Enrolled = InstalledIdentity & {
  readonly outcome: 'enrolled'
  readonly signature: SignatureState
  /** decrypted */
  readonly profile: PlistDictionary
}

export type Stopped = {
  readonly outcome: 'stopped'
  readonly before: StopBefore
  /** where the two signed messages go */
  readonly otaUrl: string
  /** of the SCEP payload at hand; before the first message, that of the profile service */
  readonly challenge?: string
  readonly scepUrl?: string
  /** lower-case hex */
  readonly caFingerprint?: string
  /** before the second message: what would sign it */
  readonly bootstrap?: PhoneIdentity
}

export type EnrollOutcome = Enrolled | Stopped | Refusal

/**
 * Enrolls. What the server refuses is an outcome; an error means that it does not keep to the protocol,
 * or cannot be reached.
 *
 * @throws {CaError}
 */
export async function enrollPhone(options: EnrollOptions): Promise<EnrollOutcome> {
  try {
    return await enroll(options)
  } catch (error) {
    if (error instanceof EnrollmentEnded) return error.refusal
    throw error
  }
}

/** What the steps share. */
type Run = { readonly options: EnrollOptions, readonly phone: PhoneDescription, readonly service: ProfileServiceRequest }

async function enroll(options: EnrollOptions): Promise<EnrollOutcome> {
  const download = await downloadProfile(await openInvitation(options.link))
  const run: Run = { options, phone: descriptionOf(options), service: readProfileService(openProfile(download).profile) }
  if (options.stopBefore === 'first-post') return stopped(run, 'first-post')

  const bootstrapProfile = openProfile(await sendFirstPost(run)).profile
  const bootstrapPayloads = payloadsIn(bootstrapProfile)
  if (options.stopBefore === 'bootstrap-scep') return stopped(run, 'bootstrap-scep', scepPayloadIn(bootstrapPayloads))
  const installed = await installIdentity(bootstrapPayloads, 'bootstrap-scep', installOptions(options, options.keys?.bootstrap))
  const bootstrap: PhoneIdentity = { ...installed, chain: installed.chain.map(({ raw }) => raw) }
  if (options.stopBefore === 'second-post') return { ...stopped(run, 'second-post'), bootstrap }

  const received = await sendSecondPost(run, bootstrap)
  const { profile: sealed, signature } = openProfile(received)
  const profile = await decryptProfile(sealed, bootstrap)
  const payloads = payloadsIn(profile)
  if (options.out !== undefined) await writeProfile(options.out, profile, received)
  if (options.stopBefore === 'scep') return stopped(run, 'scep', scepPayloadIn(payloads))
  const identity = await installIdentity(payloads, 'scep', installOptions(options, options.keys?.identity))
  if (options.out !== undefined) await writeIdentity(options.out, identity)
  return { outcome: 'enrolled', ...identity, signature, profile }
}

function descriptionOf({ product, build, serial, udid, osVersion }: EnrollOptions): PhoneDescription {
  return { product, build, serial, udid: udid ?? udidFor(product, serial), ...osVersion === undefined ? {} : { osVersion } }
}

function installOptions({ build, now, wait = seconds => sleep(seconds * 1000) }: EnrollOptions, key: KeyObject | undefined): InstallOptions {
  return { build, now, wait, ...key === undefined ? {} : { key } }
}

function scepPayloadIn(payloads: readonly PlistDictionary[]): ScepPayload {
  const payload = identityPayloadIn(payloads)
  if (payload['PayloadType'] !== payloadTypes.scep) throw new CaError('invalid-argument', 'this identity is delivered: there is no SCEP to stop before')
  return readScepPayload(payload)
}

function stopped({ service }: Run, before: StopBefore, scep?: ScepPayload): Stopped {
  const challenge = scep === undefined ? service.challenge?.toString() : scep.challenge
  return {
    outcome: 'stopped', before, otaUrl: service.url,
    ...challenge === undefined || before === 'second-post' ? {} : { challenge },
    ...scep === undefined ? {} : { scepUrl: scep.url },
    ...scep?.caFingerprint === undefined ? {} : { caFingerprint: scep.caFingerprint.toString('hex') },
  }
}

async function sendFirstPost(run: Run): Promise<Buffer> {
  const { phone, service, options: { misbehave } } = run
  const message = await firstMessage(run, phone, run.options.keys?.device)
  if (misbehave === 'replay') return replay(run, message)
  if (misbehave === 'stall') return stall(run, message)
  return postSigned(service.url, misbehave === 'tamper' ? tampered(message, phone) : message, 'first-post', run.options)
}

/** Signed by an identity from the factory of `phone`, with the CHALLENGE of this download. */
async function firstMessage({ service, options }: Run, phone: PhoneDescription, key?: KeyObject): Promise<Buffer> {
  const now = options.now()
  const identity = await issueDeviceIdentity(await readDeviceCa(options.deviceCaDir), now, key)
  const attributes = attributesFor(phone, service.deviceAttributes)
  return signAttributes({ attributes, identity, now, ...service.challenge === undefined ? {} : { challenge: service.challenge } })
}

async function replay(run: Run, message: Buffer): Promise<Buffer> {
  const { service, phone, options } = run
  const answer = await postSigned(service.url, message, 'first-post', options)
  const again = await postSigned(service.url, message, 'first-post', options).catch(refused)
  const repeat = again === undefined ? 'refused' : again.equals(answer) ? 'same' : 'different'
  try {
    return await postSigned(service.url, await firstMessage(run, otherPhone(phone)), 'first-post', options)
  } catch (error) {
    if (!(error instanceof EnrollmentEnded)) throw error
    throw new EnrollmentEnded({ ...error.refusal, repeat })
  }
}

function refused(error: unknown): undefined {
  if (!(error instanceof EnrollmentEnded)) throw error
}

async function stall({ service, options }: Run, message: Buffer): Promise<Buffer> {
  const { timeoutMs = phoneTimeoutMs } = options
  try {
    return await postSigned(service.url, message, 'first-post', { timeoutMs, body: stallingBody(message) })
  } catch (error) {
    if (!(error instanceof CaError) || error.code !== 'server-unreachable') throw error
    const gaveUp = error.cause instanceof Error && error.cause.name === 'TimeoutError'
    const text = gaveUp ? `the phone gave up after ${timeoutMs} ms` : 'the server ended the connection'
    throw new EnrollmentEnded({ outcome: 'refused', at: 'first-post', text })
  }
}

/** The same attributes to the same address, signed by the bootstrap identity; there is no CHALLENGE any more. */
async function sendSecondPost({ service, phone, options }: Run, identity: PhoneIdentity): Promise<Buffer> {
  const attributes = attributesFor(phone, service.deviceAttributes)
  const message = await signAttributes({
    attributes: options.misbehave === 'lie-in-second-post' ? withLie(attributes) : attributes,
    identity, now: options.now(), digest: options.secondPostDigest ?? 'sha1',
  })
  return postSigned(service.url, message, 'second-post', options)
}
