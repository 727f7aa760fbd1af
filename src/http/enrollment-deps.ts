import { activeAuthority, chainOf, signerInForce } from '../certificates/authority.ts'
import type { EnrollmentDeps, ProfileSigner } from '../enrollment/deps.ts'
import { loadOutsideSigner } from '../keys/outside-signer.ts'
import { enrollmentStore } from '../store/enrollments.ts'
import type { Service } from './service.ts'

/** What the story of an enrollment needs, out of the service. */
export function enrollmentDeps(service: Service): EnrollmentDeps {
  const { config, db, log } = service
  return {
    keyring: service.keyring,
    addresses: service.addresses,
    reserve: service.reserve,
    now: service.now,
    store: enrollmentStore(db, { trustTestDevices: config.testDeviceCa !== undefined }),
    authorities: service.authorities,
    catalogue: service.catalogue,
    anchors: service.anchors,
    profileSigner: profileSignerOf(service),
    url: config.url,
    certificateDays: config.certificateDays,
    gradeInCertificate: config.gradeInCertificate,
    evidenceMaxAgeDays: config.evidenceMaxAgeDays,
    onScepRefusal: (authority, code) => log('info', 'scep refused', { authority, code }),
  }
}

function profileSignerOf(service: Service): (now: Date) => ProfileSigner {
  const { profileSigner, profileSignerKey } = service.config
  if (profileSigner !== undefined && profileSignerKey !== undefined) {
    const outside = loadOutsideSigner(profileSigner, profileSignerKey)
    return () => outside
  }
  return now => {
    const authorities = service.authorities()
    const issuing = activeAuthority(authorities, 'issuing')
    const { certificate, key } = signerInForce(authorities, issuing.id, 'profile-signer', now)
    return { signer: service.keyring.signer(key), certificate: certificate.raw, chain: chainOf(authorities, issuing).map(above => above.certificate.raw) }
  }
}
