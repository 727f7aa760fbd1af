/** The ways in: a passkey alone, or a password, with a recovery code beside it once there is a passkey. */
import { createHash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { Context } from 'koa'
import { CaError } from '../errors.ts'
import { adminStore } from '../store/access.ts'
import { passwordStore, recoveryCodeStore } from '../store/credentials.ts'
import { sessionStore, type SignInMethod } from '../store/sessions.ts'
import { signInGuard, type Limit } from '../store/sign-in-guard.ts'
import { change } from './change.ts'
import { verifyPasskey } from './passkeys.ts'
import { verifyPassword } from './password.ts'
import { recoveryCodeSha256 } from './recovery-codes.ts'
import { openSeal, seal } from './seal.ts'
import type { Service } from './service.ts'
import { beginSession } from './session.ts'
import { secretOf } from './sign-in-secret.ts'

/**
 * `wrong` says no more than that: whether there is such an account, it does not tell.
 * @property ticket  proves in the second step that the password was right
 */
export type SignInOutcome = { kind: 'signed-in' } | { kind: 'wrong' } | { kind: 'wait', seconds: number } | { kind: 'second-step', adminId: string, ticket: string }

const knownForMs = 90 * 86_400_000
const ticketMs = 15 * 60_000

const subjectOf = (...parts: string[]): Buffer => createHash('sha256').update(JSON.stringify(parts)).digest()

/** Who has one IPv6 address mostly has 2^64 of them. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed.kind() === 'ipv4' ? parsed.toString() : Buffer.from(parsed.toByteArray().slice(0, 8)).toString('hex')
}

/**
 * What a try is counted against. The waits grow with the account at this address. One address that tries many accounts,
 * or many addresses that try one account, wait at most a minute, so that nobody is shut out by others; an address
 * from which this person signed in before does not wait for what others do, and a passkey waits for nothing.
 */
async function limitsFor(service: Service, account: string, address: string, now: Date): Promise<Limit[]> {
  const network = networkOf(address)
  const known = await sessionStore(service.db).knows(account, address, new Date(now.getTime() - knownForMs))
  return [
    { subject: subjectOf('pair', account, network), free: 5, longestSeconds: 900 },
    ...known ? [] : [
      { subject: subjectOf('address', network), free: 30, longestSeconds: 60 },
      { subject: subjectOf('account', account), free: 30, longestSeconds: 60 },
    ],
  ]
}

/** Counted before the answer is worked out, so that a thousand guesses at once are a thousand. @returns seconds to wait */
async function countTry(service: Service, limits: readonly Limit[], now: Date): Promise<number | undefined> {
  return await service.db.transaction(async tx => {
    for (const limit of limits) {
      const until = await signInGuard(tx).count(limit, now)
      if (until !== undefined) return Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000))
    }
    return undefined
  })
}

async function forgetTry(service: Service, [own, ...shared]: readonly Limit[], now: Date): Promise<void> {
  const guard = signInGuard(service.db)
  await guard.forget(own!.subject)
  for (const { subject } of shared) await guard.takeBack(subject, now)
}

/** Takes as long for an account that is not there. */
export async function signInWithPassword(ctx: Context, service: Service, given: { email: string, password: string }): Promise<SignInOutcome> {
  const now = service.now()
  const account = given.email.slice(0, 254).toLowerCase()
  const limits = await limitsFor(service, account, ctx.ip, now)
  const seconds = await countTry(service, limits, now)
  if (seconds !== undefined) return { kind: 'wait', seconds }
  const candidate = await passwordStore(service.db).candidate(account)
  if (!await verifyPassword(given.password, candidate?.hash ?? null) || candidate === undefined) {
    service.log('info', 'sign-in failed', { address: ctx.ip, method: 'password' })
    return { kind: 'wrong' }
  }
  await forgetTry(service, limits, now)
  if (candidate.passkeys > 0) return { kind: 'second-step', adminId: candidate.id, ticket: await ticketFor(service, candidate.id) }
  await begin(ctx, service, candidate, 'password')
  return { kind: 'signed-in' }
}

const ticketPurpose = (adminId: string): string => `password of ${adminId} was right`

const ticketFor = async (service: Service, adminId: string): Promise<string> =>
  seal(await secretOf(service), ticketPurpose(adminId), new Date(service.now().getTime() + ticketMs))

/** @throws {CaError} unauthorized when the password step is missing or was too long ago */
export async function signInWithRecoveryCode(ctx: Context, service: Service, given: { adminId: string, ticket: string, code: string }): Promise<SignInOutcome> {
  const now = service.now()
  if (openSeal(await secretOf(service), ticketPurpose(given.adminId), given.ticket, now) === undefined) {
    throw new CaError('unauthorized', 'that took too long; begin again with your password')
  }
  const limits = [{ subject: subjectOf('recovery', given.adminId, networkOf(ctx.ip)), free: 5, longestSeconds: 900 }]
  const seconds = await countTry(service, limits, now)
  if (seconds !== undefined) return { kind: 'wait', seconds }
  const taken = await change(service, { name: 'sign-in', source: `console from ${ctx.ip}` }, async (tx, record) => {
    const admin = await adminStore(tx).find(given.adminId)
    if (admin === undefined || !await recoveryCodeStore(tx).use(admin.id, recoveryCodeSha256(given.code), now)) return false
    await beginSession(ctx, service, tx, admin.id, 'recovery-code', now)
    await record('session.begin', `admin:${admin.id}`, { name: admin.name, method: 'recovery-code' })
    return true
  })
  if (!taken) {
    service.log('info', 'sign-in failed', { address: ctx.ip, method: 'recovery-code' })
    return { kind: 'wrong' }
  }
  await forgetTry(service, limits, now)
  return { kind: 'signed-in' }
}

/** Whoever has the passkey never waits: guessing one is hopeless. @throws {CaError} unauthorized */
export async function signInWithPasskey(ctx: Context, service: Service, credential: string): Promise<void> {
  const { passkey, settle } = await verifyPasskey(service, credential)
  await change(service, { name: 'sign-in', source: `console from ${ctx.ip}` }, async (tx, record, now) => {
    await settle(tx, now)
    await beginSession(ctx, service, tx, passkey.adminId, 'passkey', now)
    await record('session.begin', `admin:${passkey.adminId}`, { method: 'passkey', passkey: passkey.name })
  })
}

async function begin(ctx: Context, service: Service, admin: { id: string, name: string }, method: SignInMethod): Promise<void> {
  await change(service, { name: admin.name, source: `console from ${ctx.ip}` }, async (tx, record, now) => {
    await beginSession(ctx, service, tx, admin.id, method, now)
    await record('session.begin', `admin:${admin.id}`, { method })
  })
}
