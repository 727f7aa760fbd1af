/** A SCEP client that keeps to no rule but the test's: every part of its messages can be wrong. */
import { randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { signCertificationRequest } from '../../src/formats/certification-request.ts'
import type { CertificationRequestFields } from '../../src/formats/certification-request.ts'
import { parseSignedData } from '../../src/formats/cms.ts'
import { encryptEnvelope, openEnvelope, parseEnvelopedData } from '../../src/formats/enveloped-data.ts'
import type { Cipher } from '../../src/formats/enveloped-data.ts'
import { parsePkiMessage, pkiStatuses, signPkiMessage } from '../../src/formats/scep-message.ts'
import type { PkiMessage } from '../../src/formats/scep-message.ts'
import { parseCertificate, signCertificate } from '../../src/formats/x509.ts'
import type { Certificate } from '../../src/formats/x509.ts'
import type { EnrollOptions } from '../../src/phone/enroll.ts'
import { decryptWithKey, signerOfKey, subjectPublicKeyInfoOf } from '../../src/phone/keys.ts'
import { phoneKeys } from './kept.ts'
import { commonName, testValidity } from './signers.ts'
import type { World } from './world.ts'

/** A key with a certificate that signs messages. */
export type Sender = { readonly privateKey: KeyObject, readonly certificate: Certificate }

/** What a client signs with that has no certificate yet. */
export async function selfSigned(privateKey: KeyObject, name = 'a phone', issuer = name): Promise<Sender> {
  const subjectPublicKeyInfo = subjectPublicKeyInfoOf(privateKey)
  const der = await signCertificate({
    serialNumber: '01', issuer: commonName(issuer), subject: commonName(name), ...testValidity, subjectPublicKeyInfo, extensions: [],
  }, signerOfKey(privateKey, 'sha256WithRSAEncryption'))
  return { privateKey, certificate: parseCertificate(der) }
}

/** A certification request with this challenge. */
export const csrOf = (privateKey: KeyObject, challengePassword?: string, more: Partial<CertificationRequestFields> = {}): Promise<Buffer> =>
  signCertificationRequest({
    subject: commonName('whoever'), subjectPublicKeyInfo: subjectPublicKeyInfoOf(privateKey),
    ...challengePassword === undefined ? {} : { challengePassword }, ...more,
  }, signerOfKey(privateKey, 'sha256WithRSAEncryption'))

export type MessageParts = {
  messageType?: string
  transactionID?: string
  senderNonce?: Buffer
  cipher?: Cipher
  /** in place of the content, encrypted */
  envelope?: Buffer
}

/** What GetCACert says: the registration authority first. */
export async function caCertificates(door: string): Promise<Certificate[]> {
  const answer = await fetch(`${door}?operation=GetCACert`)
  return parseSignedData(Buffer.from(await answer.arrayBuffer())).certificates.map(parseCertificate)
}

/** A signed message to this door around `content`. */
export async function messageTo(door: string, sender: Sender, content: Buffer, parts: MessageParts = {}): Promise<Buffer> {
  const { messageType = '19', transactionID = 'T1', senderNonce = randomBytes(16), cipher = 'aes-128-cbc' } = parts
  return signPkiMessage({
    messageType, transactionID, senderNonce, certificate: sender.certificate.raw, signer: signerOfKey(sender.privateKey, 'sha256WithRSAEncryption'),
    envelope: parts.envelope ?? encryptEnvelope(content, (await caCertificates(door))[0]!, cipher),
  })
}

export type Reply = {
  status: number
  /** undefined where the answer is no pkiMessage */
  message: PkiMessage | undefined
  /** `SUCCESS`, `PENDING`, or the number of failInfo */
  outcome: string
  body: Buffer
}

/** Posts a message, as it is, and reads what came back with our own reader. */
export async function post(door: string, message: Buffer): Promise<Reply> {
  const answer = await fetch(`${door}?operation=PKIOperation`, { method: 'POST', body: new Uint8Array(message) })
  const body = Buffer.from(await answer.arrayBuffer())
  if (answer.headers.get('content-type') !== 'application/x-pki-message') return { status: answer.status, message: undefined, outcome: `HTTP ${answer.status}`, body }
  const reply = parsePkiMessage(body)
  const outcome = reply.pkiStatus === pkiStatuses.SUCCESS ? 'SUCCESS' : reply.pkiStatus === pkiStatuses.PENDING ? 'PENDING' : reply.failInfo ?? 'no failInfo'
  return { status: answer.status, message: reply, outcome, body }
}

/** The certificates in a reply, decrypted with the key that asked. */
export async function certificatesIn({ message }: Reply, { privateKey, certificate }: Sender): Promise<Certificate[]> {
  const content = await openEnvelope(parseEnvelopedData(message!.envelope!), certificate, decryptWithKey(privateKey))
  return parseSignedData(content).certificates.map(parseCertificate)
}

export type Stop = { door: string, challenge: string, caFingerprint: string }

/** A phone that goes as far as the SCEP request for its device identity (or its bootstrap identity), and no further. */
export async function stoppedPhone(t: ExecutionContext<any>, world: World, options: Partial<EnrollOptions> & { invitation?: Parameters<World['invite']>[0] } = {}): Promise<Stop> {
  const { invitation, ...phone } = options
  const { link } = await world.invite(invitation)
  const outcome = await world.enroll(link, { stopBefore: 'scep', keys: phoneKeys, ...phone })
  if (outcome.outcome !== 'stopped') throw new Error(t.title + JSON.stringify(outcome))
  return { door: outcome.scepUrl!, challenge: outcome.challenge!, caFingerprint: outcome.caFingerprint! }
}

/** An identity that was enrolled by SCEP, with the key of `privateKey`. */
export async function enrolled(t: ExecutionContext<any>, world: World, privateKey: KeyObject, options: Parameters<typeof stoppedPhone>[2] = {}): Promise<Sender & Stop> {
  const stop = await stoppedPhone(t, world, options)
  const sender = await selfSigned(privateKey)
  const reply = await post(stop.door, await messageTo(stop.door, sender, await csrOf(privateKey, stop.challenge)))
  if (reply.outcome !== 'SUCCESS') throw new Error(`${t.title}: ${reply.outcome}`)
  return { privateKey, certificate: (await certificatesIn(reply, sender))[0]!, ...stop }
}

/** How many certificates of a kind are issued, or are being made. */
export async function counted(world: World, kind: 'device' | 'bootstrap', state: 'pending' | 'issued' = 'issued'): Promise<number> {
  const table = state === 'pending' ? 'reservations' : "certificates where state = 'issued'"
  const [row] = await world.service.db.query<{ count: number }>(`select count(*)::int as count from (select kind from ${table}) all_of_them where kind = $1`, [kind])
  return row!.count
}
