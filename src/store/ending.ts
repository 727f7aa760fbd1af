import type { Queryable } from './db.ts'

export type EndingCertificate = { serialNumber: Buffer, notAfter: Date, deviceId: string, personId: string, personName: string, personEmail: string, productType: string }

/** Certificates in force that end by then, on phones that have none that lasts longer; the first to end first. */
export async function endingCertificates(db: Queryable, now: Date, until: Date, limit: number): Promise<EndingCertificate[]> {
  return await db.query<EndingCertificate>(`
    select c.serial_number as "serialNumber", c.not_after as "notAfter", d.id as "deviceId", p.id as "personId", p.name as "personName", p.email as "personEmail", d.product_type as "productType"
    from certificates c join devices d on d.id = c.device_id join people p on p.id = d.person_id
      left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
    where c.kind = 'device' and c.state = 'issued' and c.not_after > $1 and c.not_after <= $2 and c.superseded_by is null and (r.serial_number is null or r.reason = 8)
      and not exists (select 1 from certificates n
        left join revocations q on q.authority_id = n.authority_id and q.serial_number = n.serial_number
        where n.device_id = c.device_id and n.kind = 'device' and n.state = 'issued' and n.not_after > $2 and (q.serial_number is null or q.reason = 8))
    order by c.not_after limit $3`, [now, until, limit])
}
