import { tokenSha256 } from '../../src/devices/secret-token.ts'
import { seed } from '../bench/seed.ts'
import { issueDevice } from './issued.ts'
import type { TestService } from './service.ts'

/** Full pages of everything. The token of one open invitation is `bench-token`. */
export async function fullStore(service: TestService, certificates: number): Promise<void> {
  const { db } = service
  const issued = await issueDevice(service)
  await seed(db, { certificates, der: issued.certificate.raw, serialNumber: issued.serialNumber, authorityId: issued.authorityId, now: service.now(), productTypes: ['iPhone14,5', 'iPhone12,8', 'iPad13,18'], template: 'default' }, () => {})
  await db.query('update invitations set token_sha256 = $1, ended_at = null, expires_at = $2 where id = (select id from invitations order by created_at desc offset 17 limit 1)', [tokenSha256('bench-token'), new Date(service.now().getTime() + 7 * 86_400_000)])
  await service.publish(true)
}
