import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import { assertRole, type Actor } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import { adminStore, type Admin } from '../../../store/access.ts'
import { adminNotices, noticeKinds } from '../../../store/admin-notices.ts'
import type { Queryable } from '../../../store/db.ts'
import { byId, id } from '../fields.ts'
import { operation } from '../operation.ts'

const kinds = z.array(z.enum(noticeKinds)).max(noticeKinds.length)
const chosen = z.strictObject({ id, /** What they are told of by mail. */ wanted: kinds })

async function findAdmin(db: Queryable, adminId: string): Promise<Admin> {
  const admin = await adminStore(db).find(adminId)
  if (admin === undefined) throw new CaError('person-not-found', 'there is no admin with this id')
  return admin
}

export const adminNoticesShow = operation({
  id: 'adminNoticesShow', method: 'get', path: '/admins/{id}/notices', role: 'auditor',
  summary: 'What somebody who administers is told of by mail.',
  input: byId, output: chosen,
  async run(service, _actor, input) {
    const admin = await findAdmin(service.db, input.id)
    return { id: admin.id, wanted: await adminNotices(service.db).of(admin.id, admin.role) }
  },
})

/** Mail is about oneself; an admin may choose for others. @throws {CaError} forbidden */
function assertOwn(actor: Actor, adminId: string): void {
  if (actor.adminId !== adminId) assertRole(actor, 'admin')
}

export const adminNoticesChoose = operation({
  id: 'adminNoticesChoose', method: 'put', path: '/admins/{id}/notices', role: 'auditor', changesOwn: true,
  summary: 'Choose what one is told of by mail; an admin may choose for others.',
  input: z.strictObject({ id, wanted: kinds }), output: chosen,
  async run(service, actor, input) {
    assertOwn(actor, input.id)
    return await change(service, actor, async (tx, record) => {
      const admin = await findAdmin(tx, input.id)
      const before = await adminNotices(tx).of(admin.id, admin.role)
      const after = noticeKinds.filter(kind => input.wanted.includes(kind))
      await adminNotices(tx).choose(admin.id, after)
      if (before.join() !== after.join()) await record('admin.notices', `admin:${admin.id}`, { name: admin.name, before: { told: before }, after: { told: after } })
      return { id: admin.id, wanted: after }
    })
  },
})
