import { authorityNamed, signerInForce, type Authority } from '../../certificates/authority.ts'
import { sha256 } from '../../certificates/issue.ts'
import { statusOf } from '../../certificates/status.ts'
import { CaError } from '../../errors.ts'
import { keyIdentifier } from '../../formats/extensions.ts'
import { parseOcspRequest, signOcspResponse, type CertStatus } from '../../formats/ocsp.ts'
import { Remembered } from '../../http/remembered.ts'
import type { Service } from '../../http/service.ts'
import { within } from '../../http/within.ts'
import type { AnswerRecord } from '../../store/answer-records.ts'
import { namesAuthority } from './cert-id.ts'

/**
 * @property body  the DER, an octet in each character (Latin-1): Node sends a text in one piece with its headers, and keeping it takes no buffer of its own
 * @property cacheable  false where the answer repeats a nonce: it is for one client
 */
export type OcspAnswer = { body: string, sha256(): Buffer, thisUpdate: Date, nextUpdate: Date, cacheable: boolean }

/** Signed answers that are given again, and the longest question that is recognized: together some 15 MB at most. */
const mostAnswers = 10_000
const longestQuestion = 256
/** Of the time for which an answer counts, the part in which it is given again. */
const givenAgain = 1 / 12
/** What changed while it was read is read again, so often. */
const mostAttempts = 3

type Given = { answer: OcspAnswer, record: AnswerRecord, authorities: unknown }

/**
 * Answers about one certificate of the authority, with the status that stands in the database now. An answer without
 * nonce is given again for a few seconds, as long as what it rests on is known to stand.
 *
 * @throws {CaError} malformed-ocsp-request; authority-not-found and certificate-not-found for what we did not issue
 */
export function ocspResponder(service: Service): (authorityName: string, request: Buffer) => Promise<OcspAnswer> {
  const given = new Remembered<Given>(mostAnswers)
  const givenAgainMs = service.config.ocspValiditySeconds * 1000 * givenAgain
  const countsStill = ({ answer, record, authorities }: Given): boolean => {
    const age = service.now().getTime() - answer.thisUpdate.getTime()
    return age >= 0 && age < givenAgainMs && authorities === service.authorities() && service.answers.known.byKey(record) === record
  }
  return async (authorityName, request) => {
    const question = request.length <= longestQuestion ? `${authorityName} ${request.toString('latin1')}` : undefined
    const before = question === undefined ? undefined : given.get(question)
    if (before !== undefined && countsStill(before)) return before.answer
    const authorities = service.authorities()
    const { answer, record } = await answerAnew(service, authorityName, request)
    if (question !== undefined && answer.cacheable) given.set(question, { answer, record, authorities })
    return answer
  }
}

async function answerAnew(service: Service, authorityName: string, request: Buffer): Promise<{ answer: OcspAnswer, record: AnswerRecord }> {
  const { requests: [{ certId }], nonce } = parseOcspRequest(request)
  const authority = authorityNamed(service.authorities(), authorityName)
  if (authority.role !== 'issuing' || !namesAuthority(certId, authority)) {
    throw new CaError('authority-not-found', 'this responder does not answer for that issuer')
  }
  const record = await recordOf(service, authority, Buffer.from(certId.serialNumber, 'hex'))
  const now = service.now()
  const responder = signerInForce(service.authorities(), authority.id, 'ocsp-responder', now)
  const thisUpdate = new Date(Math.floor(now.getTime() / 1000) * 1000)
  const nextUpdate = new Date(thisUpdate.getTime() + service.config.ocspValiditySeconds * 1000)
  const der = await signOcspResponse({
    responderKeyHash: responderKeyHash(responder.certificate.subjectPublicKeyInfo), certificate: responder.certificate.raw,
    producedAt: thisUpdate, single: { certId: certId.raw, status: certStatusOf(record), thisUpdate, nextUpdate }, ...nonce && { nonce },
  }, service.keyring.signer(responder.key))
  const body = der.toString('latin1')
  let digest: Buffer | undefined
  return { answer: { body, sha256: () => digest ??= sha256(Buffer.from(body, 'latin1')), thisUpdate, nextUpdate, cacheable: nonce === undefined }, record }
}

async function recordOf(service: Service, { id: authorityId }: Authority, serialNumber: Buffer): Promise<AnswerRecord> {
  const { answers, config } = service
  const key = { authorityId, serialNumber }
  const record = answers.known.byKey(key) ?? await within(Math.max(100, config.databaseLossSeconds * 1000), readRecord(service, key))
  if (record === undefined) throw new CaError('certificate-not-found', 'no certificate of this authority has that serial number')
  return record
}

async function readRecord({ answers }: Service, key: { authorityId: number, serialNumber: Buffer }): Promise<AnswerRecord | undefined> {
  for (let attempt = 1; ; attempt++) {
    const since = answers.changes()
    const record = await answers.byKey(key)
    if (answers.changes() === since || attempt === mostAttempts) return record
  }
}

/** Never good, and nothing signed at all, for a number that no certificate of ours carries (RFC 6960 §2.3). */
function certStatusOf(record: AnswerRecord): CertStatus {
  const status = statusOf(record)
  if (status.status === 'unknown') throw new CaError('certificate-not-found', 'no certificate of this authority has that serial number')
  return status.status === 'good' ? 'good' : { revokedAt: status.revokedAt, reason: status.reason }
}

const keyHashes = new WeakMap<Buffer, Buffer>()

function responderKeyHash(subjectPublicKeyInfo: Buffer): Buffer {
  const known = keyHashes.get(subjectPublicKeyInfo) ?? keyIdentifier(subjectPublicKeyInfo)
  keyHashes.set(subjectPublicKeyInfo, known)
  return known
}
