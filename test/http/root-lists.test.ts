import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { newestRootList, renewRootLists } from '../../src/http/root-lists.ts'
import { testService } from '../support/service.ts'

const day = 86_400

test('the list of every root whose key is here is signed anew in its last year, also after the root was replaced', async t => {
  const service = await testService(t)
  const root = activeAuthority(service.authorities(), 'root')
  await service.db.query(`update authorities set active = false where id = $1`, [root.id])
  await service.reload()
  t.is(await renewRootLists(service), 0)
  service.clock.advance(4 * 365 * day + day)
  t.deepEqual([await renewRootLists(service), await renewRootLists(service)], [1, 0])
  t.is((await newestRootList(service.db, root))!.crlNumber, 2)
})

test('a list that ends with its root is not signed again and again, and nothing is signed for a root that has ended', async t => {
  const service = await testService(t)
  const root = activeAuthority(service.authorities(), 'root')
  const before = (days: number) => service.clock.set(new Date(root.certificate.notAfter.getTime() - days * day * 1000).toISOString())
  before(300)
  t.deepEqual([await renewRootLists(service), await renewRootLists(service)], [1, 0])
  t.deepEqual((await newestRootList(service.db, root))!.nextUpdate, root.certificate.notAfter)
  before(-1)
  t.is(await renewRootLists(service), 0)
})
