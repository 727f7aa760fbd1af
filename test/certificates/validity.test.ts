import fc from 'fast-check'
import test from 'ava'
import { days, validityFrom } from '../../src/certificates/certificate-profile.ts'

const now = new Date('2026-03-01T09:00:00.500Z')

test('a validity has whole seconds, whatever the approval it rests on ends with, and never outlives it', t => {
  fc.assert(fc.property(fc.date({ min: new Date('2026-03-02'), max: new Date('2030-01-01'), noInvalidDate: true }), latest => {
    const { notBefore, notAfter } = validityFrom(now, days(365), latest)
    t.is(notBefore.getTime() % 1000, 0)
    t.is(notAfter.getTime() % 1000, 0)
    t.true(notAfter <= latest)
    t.true(notBefore < notAfter)
  }))
})

test('a validity of n days ends a second short of n days, and begins five minutes back', t => {
  t.deepEqual(validityFrom(now, days(1)), { notBefore: new Date('2026-03-01T08:55:00Z'), notAfter: new Date('2026-03-02T08:59:59Z') })
})
