import { CaError } from '../errors.ts'
import type { Authorities } from '../certificates/authority.ts'
import { sha256 } from '../certificates/issue.ts'
import { verifyDeviceIdentity } from '../devices/device-identity.ts'
import { parseSignedData, signerOf, verifyContent } from '../formats/cms.ts'
import { isIssuedBy, type Certificate } from '../formats/x509.ts'
import type { EnrollmentDeps } from './deps.ts'
import { answerAgain, answerFirstPost, type OtaAnswer } from './first-post.ts'
import type { EnrollmentRecord, EnrollmentStep } from './records.ts'
import { remember } from './remember.ts'
import { answerSecondPost } from './second-post.ts'
import { isEnrollmentId } from './secrets.ts'

export const maxOtaMessageBytes = 64 * 1024

/**
 * Answers either message of Over-the-Air enrollment; the signer's issuer tells which it is, before anything that
 * the signer wrote is read. The same bytes again get the same answer.
 *
 * @throws {CaError} enrollment-not-found, and those of the two messages
 */
export async function answerOtaMessage(deps: EnrollmentDeps, enrollmentId: string, raw: Buffer): Promise<OtaAnswer> {
  const enrollment = isEnrollmentId(enrollmentId) ? await deps.store.enrollment(enrollmentId) : undefined
  if (enrollment === undefined) throw new CaError('enrollment-not-found', 'there is no such enrollment')
  const repeated = await answerToRepeat(deps, enrollment, raw)
  if (repeated !== undefined) return repeated
  const step = { name: 'first-post' as EnrollmentStep }
  try {
    const message = parseSignedData(raw, { maxBytes: maxOtaMessageBytes })
    const { certificate } = signerOf(message)
    if (isOurBootstrap(deps.authorities(), certificate)) {
      step.name = 'second-post'
      return await answerSecondPost(deps, enrollment, certificate, () => verifyContent(message), raw)
    }
    const anchor = verifyDeviceIdentity(certificate, deps.anchors)
    return await answerFirstPost(deps, enrollment, anchor, verifyContent(message), raw)
  } catch (error) {
    if (error instanceof CaError) await remember(deps, enrollment.id, error, step.name)
    throw error
  }
}

async function answerToRepeat(deps: EnrollmentDeps, enrollment: EnrollmentRecord, raw: Buffer): Promise<OtaAnswer | undefined> {
  const hash = sha256(raw)
  if (enrollment.firstPostSha256?.equals(hash)) return await answerAgain(deps, enrollment, enrollment.state)
  if (!enrollment.secondPostSha256?.equals(hash)) return undefined
  if (enrollment.finalAnswer === null || enrollment.finalAnswerUntil! < deps.now()) {
    throw new CaError('challenge-expired', 'the answer to this message is no longer kept: begin again')
  }
  return { kind: 'document', body: enrollment.finalAnswer }
}

function isOurBootstrap(authorities: Authorities, certificate: Certificate): boolean {
  return authorities.all.some(authority => authority.role === 'enrollment'
    && authority.certificate.subject.raw.equals(certificate.issuer.raw)
    && isIssuedBy(certificate, authority.certificate.publicKey))
}
