/** A phone's side of Over-the-Air enrollment, message by message, so that each can be anything but right. */
import { createHash } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { serializePlist, type PlistDictionary } from '../../src/formats/plist.ts'
import { issueDeviceIdentity, type PhoneIdentity } from '../../src/phone/device-identity.ts'
import type { EnrollOptions, Stopped } from '../../src/phone/enroll.ts'
import { request, type Answer } from '../../src/phone/http.ts'
import { readDeviceCa } from '../../src/phone/make-ca.ts'
import { readProfileService, signAttributes } from '../../src/phone/ota.ts'
import { openProfile } from '../../src/phone/profile.ts'
import { phoneKeys } from './kept.ts'
import type { World } from './world.ts'

export type Download = { url: string, enrollmentId: string, challenge: string }

/** What tapping "Start" brings. */
export async function download(invitation: { link: string, token: string }): Promise<Download> {
  const { body } = await request(invitation.link.replace(`/i/${invitation.token}`, `/ota/${invitation.token}/enroll.mobileconfig`))
  const { url, challenge } = readProfileService(openProfile(body).profile)
  return { url, challenge: String(challenge), enrollmentId: url.split('/').at(-1)! }
}

export async function factoryIdentity(world: World): Promise<PhoneIdentity> {
  return await issueDeviceIdentity(await readDeviceCa(world.deviceCaDir), world.service.now(), phoneKeys.device)
}

export const ours: PlistDictionary = { UDID: '00008110-0011223344556677', SERIAL: 'F2LTESTTEST1', PRODUCT: 'iPhone14,5', VERSION: '20A362' }

export const plistWith = (challenge: string | undefined, more: PlistDictionary = {}): Buffer =>
  serializePlist({ ...ours, ...more, ...challenge === undefined ? {} : { CHALLENGE: challenge } })

/** A first message as it should be, but for what `more` says. */
export async function firstMessage(world: World, { challenge }: { challenge?: string }, more: PlistDictionary = {}, identity?: PhoneIdentity): Promise<Buffer> {
  return await signAttributes({
    attributes: { ...ours, ...more }, identity: identity ?? await factoryIdentity(world), now: world.service.now(),
    ...challenge === undefined ? {} : { challenge },
  })
}

export const post = async (url: string, body: Buffer, contentType = 'application/pkcs7-signature'): Promise<Answer> =>
  await request(url, { method: 'POST', contentType, userAgent: 'Profile/1.0', body })

/** The code of a problem document; 'page' where the phone is sent to its page; 'document' where it gets one. */
export function outcomeOf(t: ExecutionContext, answer: Answer): string {
  t.is(answer.headers.get('cache-control'), 'no-store')
  if (answer.status === 200 && answer.contentType === 'application/x-apple-aspen-config') return 'document'
  if (answer.status === 301) return 'page'
  t.is(answer.contentType, 'application/problem+json')
  const problem = JSON.parse(answer.body.toString('utf8')) as { code?: string, status: number }
  t.is(problem.status, answer.status)
  t.true(answer.status < 500, `status ${answer.status}: a refusal is not a defect`)
  return problem.code ?? 'none'
}

/** What stands on the page that a 301 leads to. */
export async function pageBehind(t: ExecutionContext, answer: Answer): Promise<{ outcome: string, code: string, text: string }> {
  t.is(answer.status, 301)
  const page = await request(answer.headers.get('location')!)
  t.is(page.status, 200)
  t.is(page.headers.get('cache-control'), 'no-store')
  const text = page.body.toString('utf8')
  return { text, outcome: /\sdata-outcome="([a-z]+)"/.exec(text)?.[1] ?? '', code: /\sdata-code="([a-z-]+)"/.exec(text)?.[1] ?? '' }
}

const tables = [
  'approvals', 'audit', 'certificates', 'crls', 'devices', 'enrollments', 'evidence', 'exemptions', 'invitation_devices', 'invitations', 'keys', 'people',
  'reservations', 'revocations', 'rules', 'scep_challenges', 'scep_pending', 'settings', 'signers', 'templates',
]

/** Everything a refused message must leave as it was; what stopped a phone may be noted beside its enrollment. */
export async function stateOf({ service: { db } }: World): Promise<string> {
  const counts = await Promise.all(tables.map(async name => [name, (await db.query(`select count(*)::int as n from ${name}`))[0]!.n]))
  const enrollments = await db.query(`select id, state, device_id, evidence_id, decision, first_post_sha256, second_post_sha256, final_answer,
    challenge_sha256, challenge_expires_at from enrollments order by id`)
  const devices = await db.query('select * from devices order by id')
  const challenges = await db.query('select * from scep_challenges order by challenge_sha256')
  return JSON.stringify({ counts, enrollments, devices, challenges })
}

export type StoppedPhone = Stopped & { bootstrap: PhoneIdentity, enrollmentId: string }

/** A phone that was let in and holds its bootstrap identity, just before its second message. */
export async function phoneBeforeSecondPost(world: World, link: string, options: Partial<EnrollOptions> = {}): Promise<StoppedPhone> {
  const outcome = await world.enroll(link, { keys: phoneKeys, udid: ours['UDID'] as string, stopBefore: 'second-post', ...options })
  if (outcome.outcome !== 'stopped' || outcome.bootstrap === undefined) throw new Error(`the phone did not get that far: ${JSON.stringify(outcome)}`)
  return { ...outcome, bootstrap: outcome.bootstrap, enrollmentId: outcome.otaUrl.split('/').at(-1)! }
}

export const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest()
