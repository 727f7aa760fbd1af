/** WebAuthn ceremonies (W3C Web Authentication Level 3). The challenge is sealed, so only answered ones are stored. */
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { z } from 'zod'
import { tokenSha256 } from '../devices/secret-token.ts'
import { CaError } from '../errors.ts'
import { passkeyStore, type Passkey } from '../store/credentials.ts'
import type { Queryable } from '../store/db.ts'
import { signInGuard } from '../store/sign-in-guard.ts'
import { openSeal, seal } from './seal.ts'
import { secretOf } from './sign-in-secret.ts'
import type { Service } from './service.ts'

/** How long a page with a button for a passkey may lie open. */
const challengeMs = 15 * 60_000

// Only those who use a passkey wait for the library.
const library = async () => await import('@simplewebauthn/server')

/** Passkeys belong to a host name; an IP address has none. */
export const relyingParty = (service: Pick<Service, 'config'>): { id: string, origin: string } =>
  ({ id: new URL(service.config.url).hostname, origin: service.config.url })

// Ed25519, ECDSA with P-256, RSA: what authenticators have. Named, so that the library does not probe for newer ones.
const algorithms = [-8, -7, -257]

const forSigningIn = 'passkey sign-in'
const forAdding = (adminId: string): string => `passkey of ${adminId}`

const newChallenge = async (service: Service, purpose: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(Buffer.from(seal(await secretOf(service), purpose, new Date(service.now().getTime() + challengeMs)), 'base64url'))

/** @returns `PublicKeyCredentialRequestOptionsJSON`: whoever has a passkey here may use it, so no account is named */
export async function signInOptions(service: Service): Promise<object> {
  const { generateAuthenticationOptions } = await library()
  return await generateAuthenticationOptions({ rpID: relyingParty(service).id, userVerification: 'required', challenge: await newChallenge(service, forSigningIn), timeout: 120_000 })
}

/** @returns `PublicKeyCredentialCreationOptionsJSON` */
export async function addingOptions(service: Service, admin: { adminId: string, email: string, name: string }): Promise<object> {
  const { generateRegistrationOptions } = await library()
  const known = await passkeyStore(service.db).listOf(admin.adminId)
  return await generateRegistrationOptions({
    rpName: 'Latchkey', rpID: relyingParty(service).id, userName: admin.email, userDisplayName: admin.name,
    userID: new Uint8Array(Buffer.from(admin.adminId.replaceAll('-', ''), 'hex')),
    challenge: await newChallenge(service, forAdding(admin.adminId)), timeout: 120_000, attestationType: 'none', supportedAlgorithmIDs: algorithms,
    excludeCredentials: known.map(({ credentialId, transports }) => ({ id: credentialId.toString('base64url'), transports })),
    // Verified by the device and found without a name: then it is enough on its own.
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  })
}

const text = z.string().max(16_384)
const common = { id: text, rawId: text, type: z.literal('public-key'), authenticatorAttachment: text.nullish() }
const assertion = z.object({ ...common, response: z.object({ clientDataJSON: text, authenticatorData: text, signature: text, userHandle: text.nullish() }) })
const attestation = z.object({ ...common, response: z.object({ clientDataJSON: text, attestationObject: text, transports: z.array(z.string().max(40)).max(10).default([]) }) })

const notTaken = (cause?: unknown): CaError => new CaError('unauthorized', 'this passkey was not taken; try again, or sign in with your password', { cause })

function read<T>(schema: z.ZodType<T>, credential: string): T {
  try {
    return schema.parse(JSON.parse(credential))
  } catch (cause) {
    throw notTaken(cause)
  }
}

/** The challenge that was signed, if it is ours; it ends when the caller's transaction notes it as used. */
function challengeIn(clientDataJSON: string): string {
  const { challenge } = z.object({ challenge: z.string().max(200) }).parse(JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()))
  return challenge
}

/**
 * @param credential  what the browser's authenticator answered, as JSON
 * @returns whose passkey it was; `settle` notes its use, in the transaction that begins the session
 * @throws {CaError} unauthorized, for whatever reason
 */
export async function verifyPasskey(service: Service, credential: string): Promise<{ passkey: Passkey, settle(tx: Queryable, now: Date): Promise<void> }> {
  const response = read(assertion, credential)
  const passkey = await passkeyStore(service.db).find(Buffer.from(response.id, 'base64url'))
  if (passkey === undefined) throw notTaken()
  const { id, origin } = relyingParty(service)
  const secret = await secretOf(service)
  const { verifyAuthenticationResponse } = await library()
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...response, clientExtensionResults: {} } as unknown as AuthenticationResponseJSON, expectedOrigin: origin, expectedRPID: id, requireUserVerification: true,
      expectedChallenge: challenge => openSeal(secret, forSigningIn, challenge, service.now()) !== undefined,
      credential: { id: response.id, publicKey: new Uint8Array(passkey.publicKey), counter: passkey.signCount, transports: passkey.transports as never },
    })
    if (!verified) throw notTaken()
    const challenge = challengeIn(response.response.clientDataJSON)
    return {
      passkey,
      settle: async (tx, now) => {
        await useOnce(tx, secret, forSigningIn, challenge, now)
        await passkeyStore(tx).used(passkey.credentialId, authenticationInfo.newCounter, now)
      },
    }
  } catch (error) {
    // The library says by plain errors what did not match; who tries learns nothing of it.
    throw error instanceof CaError ? error : notTaken(error)
  }
}

async function useOnce(tx: Queryable, secret: Buffer, purpose: string, challenge: string, now: Date): Promise<void> {
  const expiresAt = openSeal(secret, purpose, challenge, now)
  if (expiresAt === undefined || !await signInGuard(tx).useChallenge(tokenSha256(challenge), expiresAt)) throw notTaken()
}

/** A passkey that was just made. @throws {CaError} unauthorized */
export async function verifyNewPasskey(service: Service, adminId: string, name: string, credential: string): Promise<{ passkey: Passkey, settle(tx: Queryable, now: Date): Promise<void> }> {
  const response = read(attestation, credential)
  const { id, origin } = relyingParty(service)
  const secret = await secretOf(service)
  const { verifyRegistrationResponse } = await library()
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...response, clientExtensionResults: {} } as unknown as RegistrationResponseJSON, expectedOrigin: origin, expectedRPID: id, requireUserVerification: true, supportedAlgorithmIDs: algorithms,
      expectedChallenge: challenge => openSeal(secret, forAdding(adminId), challenge, service.now()) !== undefined,
    })
    if (!verified) throw notTaken()
    const challenge = challengeIn(response.response.clientDataJSON)
    const { credential: made, credentialBackedUp } = registrationInfo
    const passkey: Passkey = {
      credentialId: Buffer.from(made.id, 'base64url'), adminId, name, publicKey: Buffer.from(made.publicKey), signCount: made.counter,
      transports: response.response.transports.filter(transport => /^[a-z-]+$/.test(transport)), backedUp: credentialBackedUp, createdAt: service.now(), lastUsedAt: null,
    }
    return { passkey, settle: async (tx, now) => { await useOnce(tx, secret, forAdding(adminId), challenge, now) } }
  } catch (error) {
    throw error instanceof CaError ? error : notTaken(error)
  }
}
