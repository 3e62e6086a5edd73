import { expect, it } from 'vitest';
import { readS3Place } from './store-place.ts';

it.each([
  ['s3://team-threads', { bucket: 'team-threads', prefix: '', region: 'us-east-1', pathStyle: false }],
  ['s3://team-threads/', { bucket: 'team-threads', prefix: '', region: 'us-east-1', pathStyle: false }],
  ['s3://team/a/b', { bucket: 'team', prefix: 'a/b/', region: 'us-east-1', pathStyle: false }],
])('%s is a place', (text, place) => {
  expect(readS3Place(text)).toEqual(place);
});

it('a service other than Amazon’s has the bucket in the path, unless it is told otherwise', () => {
  const endpoint = 'https://minio.example.net';
  expect(readS3Place('s3://team', { endpoint, region: 'eu' })).toMatchObject({
    endpoint,
    region: 'eu',
    pathStyle: true,
  });
  expect(readS3Place('s3://team', { endpoint, pathStyle: false }).pathStyle).toBe(false);
});

it.each(['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000', 'https://minio.example.net'])(
  '%s is a safe endpoint',
  (endpoint) => {
    expect(readS3Place('s3://team', { endpoint }).endpoint).toBe(endpoint);
  },
);

it.each([
  ['s3://', /s3:\/\/bucket\/prefix is needed/],
  ['/mnt/store', /s3:\/\/bucket\/prefix is needed/],
  ['s3://Team', /s3:\/\/bucket\/prefix is needed/],
  ['s3://team/../other', /no prefix/],
  ['s3://team/a//b', /no prefix/],
  ['s3://team/a\nb', /needed/],
  [`s3://team/${'a'.repeat(600)}`, /no prefix/],
])('%j is refused', (text, why) => {
  expect(() => readS3Place(text)).toThrow(why);
});

it.each([
  ['http://minio.example.net', /not safe: https is needed/],
  ['ftp://minio.example.net', /not safe/],
  ['https://user:secret@minio.example.net', /^an endpoint has no user and password$/],
])('the endpoint %s is refused, without its password in the message', (endpoint, why) => {
  expect(() => readS3Place('s3://team', { endpoint })).toThrow(why);
});

it('http to another machine is for those who asked for it', () => {
  expect(readS3Place('s3://team', { endpoint: 'http://minio', allowHttp: true }).endpoint).toBe('http://minio');
});
