import { authorityNamed, signerInForce, type Authority } from '../../certificates/authority.ts'
import { statusOf } from '../../certificates/status.ts'
import { CaError } from '../../errors.ts'
import { keyIdentifier } from '../../formats/extensions.ts'
import { parseOcspRequest, signOcspResponse, type CertId, type CertStatus } from '../../formats/ocsp.ts'
import type { Service } from '../../http/service.ts'
import { certificateStore } from '../../store/certificates.ts'
import { namesAuthority } from './cert-id.ts'

/** @property cacheable false where the answer repeats a nonce: it is for one client */
export type OcspAnswer = { der: Buffer, thisUpdate: Date, nextUpdate: Date, cacheable: boolean }

/**
 * Answers about one certificate of the authority, with the status that stands in the database now.
 *
 * @throws {CaError} malformed-ocsp-request; authority-not-found and certificate-not-found for what we did not issue
 */
export async function answerOcsp(service: Service, authorityName: string, request: Buffer): Promise<OcspAnswer> {
  const { requests: [{ certId }], nonce } = parseOcspRequest(request)
  const authority = authorityNamed(service.authorities(), authorityName)
  if (authority.role !== 'issuing' || !namesAuthority(certId, authority)) {
    throw new CaError('authority-not-found', 'this responder does not answer for that issuer')
  }
  const now = service.now()
  const status = await certStatus(service, authority, certId)
  const responder = signerInForce(service.authorities(), authority.id, 'ocsp-responder', now)
  const thisUpdate = new Date(Math.floor(now.getTime() / 1000) * 1000)
  const nextUpdate = new Date(thisUpdate.getTime() + service.config.ocspValiditySeconds * 1000)
  const der = await signOcspResponse({
    responderKeyHash: keyIdentifier(responder.certificate.subjectPublicKeyInfo), certificate: responder.certificate.raw,
    producedAt: thisUpdate, single: { certId: certId.raw, status, thisUpdate, nextUpdate }, ...nonce && { nonce },
  }, service.keyring.signer(responder.key))
  return { der, thisUpdate, nextUpdate, cacheable: nonce === undefined }
}

/** Never good, and nothing signed at all, for a number that no certificate of ours carries (RFC 6960 §2.3). */
async function certStatus(service: Service, authority: Authority, certId: CertId): Promise<CertStatus> {
  const serialNumber = Buffer.from(certId.serialNumber, 'hex')
  const record = await certificateStore(service.db).byKey({ authorityId: authority.id, serialNumber })
  const status = statusOf(record)
  if (status.status === 'unknown') throw new CaError('certificate-not-found', 'no certificate of this authority has that serial number')
  return status.status === 'good' ? 'good' : { revokedAt: status.revokedAt, reason: status.reason }
}
