/**
 * The review set: fixes that were published, turned round. The change under review takes the files of the places back
 * from the newer version to the older one, which has the fault again. No code of the packages is kept here.
 */
export interface Release {
  version: string;
  /** Of the file that the registry serves: `sha512-BASE64` of a package of npm, `sha256:HEX` of a wheel of PyPI. */
  hash: string;
}

/** Lines of the older version, from 1, both inclusive. */
export interface Place {
  file: string;
  from: number;
  to: number;
}

export interface ReviewCase {
  name: string;
  registry: 'npm' | 'pypi';
  package: string;
  newer: Release;
  older: Release;
  /** A finding at any of them counts. */
  places: readonly Place[];
  fault: string;
  /** Files and folders that describe the fix, or contain a second copy of the code. */
  without?: readonly string[];
}

export const REVIEWS: readonly ReviewCase[] = [
  {
    name: 'encodeurl-1.0.1',
    registry: 'npm',
    package: 'encodeurl',
    newer: {
      version: '1.0.2',
      hash: 'sha512-TPJXq8JqFaVYm2CWmPvnP2Iyo4ZSM7/QKcSmuMLDObfpH5fi7RUGmd/rTDf+rut/saiDiQEeVTNgAmJEdAOx0w==',
    },
    older: {
      version: '1.0.1',
      hash: 'sha512-Emsft8lNRSZ7+fFm2KgTM8OZPcfHip/hNMSkje83n+LqPx5tI4xkCxyunJIG3EZsWHz9sqzohiPR6monRXWD8g==',
    },
    places: [{ file: 'index.js', from: 22, to: 22 }],
    fault: 'A percent sign at the very end of the text is not encoded.',
  },
  {
    name: 'express-session-1.17.2',
    registry: 'npm',
    package: 'express-session',
    newer: {
      version: '1.17.3',
      hash: 'sha512-4+otWXlShYlG1Ma+2Jnn+xgKUZTMJ5QD3YvfilX3AcocOAbIkVylSWEklzALe/+Pu4qV6TYBj5GwOBFfdKqLBw==',
    },
    older: {
      version: '1.17.2',
      hash: 'sha512-mPcYcLA0lvh7D4Oqr5aNJFMtBMKPLl++OKKxkHzZ0U0oDq1rpKBnkR5f5vCHR26VeArlTOEF9td4x5IjICksRQ==',
    },
    places: [{ file: 'index.js', from: 447, to: 447 }],
    fault: 'A new session that was saved explicitly during the request is saved again at its end.',
  },
  {
    name: 'follow-redirects-1.15.5',
    registry: 'npm',
    package: 'follow-redirects',
    newer: {
      version: '1.15.6',
      hash: 'sha512-wWN62YITEaOpSK584EZXJafH1AGpO8RVgElfkuXbTOrPX4fIfOyEpW/CsiNd8JdYrAoOvafRTOEnvsO++qCqFA==',
    },
    older: {
      version: '1.15.5',
      hash: 'sha512-vSFWUON1B+yAw1VN4xMfxgn5fTUiaOzAJCKBwIIgT/+7CuGy9+r+5gITvP62j3RmaD5Ph65UaERdOSRGUzZtgw==',
    },
    places: [{ file: 'index.js', from: 464, to: 464 }],
    fault: 'The Proxy-Authorization header is sent on to another host after a redirect.',
  },
  {
    name: 'quick-lru-6.1.1',
    registry: 'npm',
    package: 'quick-lru',
    newer: {
      version: '6.1.2',
      hash: 'sha512-AAFUA5O1d83pIHEhJwWCq/RQcRukCkn/NSm2QsTEMle5f2hP0ChI2+3Xb051PZCkLryI/Ir1MVKviT2FIloaTQ==',
    },
    older: {
      version: '6.1.1',
      hash: 'sha512-S27GBT+F0NTRiehtbrgaSE1idUAJ5bX8dPAQTdylEyNlrdcH5X4Lz7Edz3DYzecbsCluD5zO8ZNEe04z3D3u6Q==',
    },
    places: [{ file: 'index.js', from: 119, to: 129 }],
    fault: 'The method set returns undefined instead of the cache, so calls cannot be chained.',
  },
  {
    name: 'bytes-3.1.1',
    registry: 'npm',
    package: 'bytes',
    newer: {
      version: '3.1.2',
      hash: 'sha512-/Nf7TyzTx6S3yRJObOAV7956r8cr2+Oj8AC5dt8wSP3BQAoeX58NoHyCU8P8zGkNXStjTSi6fzO6F0pBdcYbEg==',
    },
    older: {
      version: '3.1.1',
      hash: 'sha512-dWe4nWO/ruEOY7HkUJ5gFt1DCFV9zPRoJr8pV0/ASQermOZjtq8jMjOprC0Kd10GLN+l7xaUPvxzJFWtxGu8Fg==',
    },
    places: [{ file: 'index.js', from: 155, to: 166 }],
    fault: 'A text that is no number gives NaN instead of null.',
  },
  {
    name: 'send-0.16.0',
    registry: 'npm',
    package: 'send',
    newer: {
      version: '0.16.1',
      hash: 'sha512-ElCLJdJIKPk6ux/Hocwhk7NFHpI3pVm/IZOYWqUmoxcgeyM+MpxHHKhb8QmlJDX1pU6WrgaHBkVNm73Sv7uc2A==',
    },
    older: {
      version: '0.16.0',
      hash: 'sha512-W81c6BxGKWLkZVosEEUy30CKXVR4CjCaviWzU4vE6lxhz1/vokb7b6OGbnlj+hPECUPBzv1iXTyRjt6opRRsdg==',
    },
    places: [{ file: 'index.js', from: 533, to: 533 }],
    fault: 'An empty path is normalised to a dot, so a root without a path after it is handled wrongly.',
  },
  {
    name: 'fastq-1.17.0',
    registry: 'npm',
    package: 'fastq',
    newer: {
      version: '1.17.1',
      hash: 'sha512-sRVD3lWVIXWg6By68ZN7vho9a1pQcN/WBFaAAsDDFzlJjvoGx0P8z7V1t72grFJfJhu3YPZBuu25f7Kaw2jN1w==',
    },
    older: {
      version: '1.17.0',
      hash: 'sha512-zGygtijUMT7jnk3h26kUms3BkSDp4IfIKjmnqI2tvx6nuBfiF1UqOxbnLfzdv+apBy+53oaImsKtMw/xYbW+1w==',
    },
    places: [{ file: 'queue.js', from: 93, to: 99 }],
    fault: 'Resuming an empty queue releases nothing, so drain is not called.',
  },
  {
    name: 'p-queue-6.6.1',
    registry: 'npm',
    package: 'p-queue',
    newer: {
      version: '6.6.2',
      hash: 'sha512-RwFpb72c/BhQLEXIZ5K2e+AhgNVmIejGlTgiB9MzZ0e93GRvqZ7uSi0dvRF7/XIXDeNkra2fNHBxTyPDGySpjQ==',
    },
    older: {
      version: '6.6.1',
      hash: 'sha512-miQiSxLYPYBxGkrldecZC18OTLjdUqnlRebGzPRiVxB8mco7usCmm7hFuxiTvp93K18JnLtE4KMMycjAu/cQQg==',
    },
    places: [{ file: 'dist/index.js', from: 97, to: 102 }],
    fault: 'A job is taken from a queue that may be empty, and undefined is called as a function.',
  },
  {
    name: 'postcss-8.4.30',
    registry: 'npm',
    package: 'postcss',
    newer: {
      version: '8.4.31',
      hash: 'sha512-PS08Iboia9mts/2ygV3eLpY5ghnUcfLV/EXTOW1E2qYxJKGGBUtNjN76FYHnMs36RmARn41bC0AZmn+rR0OVpQ==',
    },
    older: {
      version: '8.4.30',
      hash: 'sha512-7ZEao1g4kd68l97aWG/etQKPKq07us0ieSZ2TnFDk11i0ZfDW2AwKHYU8qv4MZKqN2fdBfg+7q0ES06UA73C1g==',
    },
    places: [{ file: 'lib/tokenize.js', from: 25, to: 25 }],
    fault: 'A carriage return in brackets is not treated as a line break, so text of a comment can be read as rules.',
  },
  {
    name: 'url-parse-1.5.8',
    registry: 'npm',
    package: 'url-parse',
    newer: {
      version: '1.5.9',
      hash: 'sha512-HpOvhKBvre8wYez+QhHcYiVvVmeF6DVnuSOOPhe3cTum3BnqHhvKaZm8FU5yTiOu/Jut2ZpB2rA/SbBA1JIGlQ==',
    },
    older: {
      version: '1.5.8',
      hash: 'sha512-9JZ5zDrn9wJoOy/t+rH00HHejbU8dq9VsOYVu272TYDrCiyVAgHKUSpPh3ruZIpv8PMVR+NXLZvfRPJv8xAcQw==',
    },
    places: [{ file: 'index.js', from: 9, to: 9 }],
    fault: 'Control characters at the beginning of an address are not stripped, so its host is read wrongly.',
    without: ['dist'],
  },
  {
    name: 'morgan-1.9.0',
    registry: 'npm',
    package: 'morgan',
    newer: {
      version: '1.9.1',
      hash: 'sha512-HQStPIV4y3afTiCYVxirakhlCfGkI161c76kKFca7Fk1JusM//Qeo1ej2XaMniiNeaZklMVrh3vTtIzpzwbpmA==',
    },
    older: {
      version: '1.9.0',
      hash: 'sha512-vqY5UfyHbGQZ3KXlGtNvAqGzOkPxrFTtChQdP146QCjpUhbtgW/aQIb2gUVR0jY0rH+MNArmklXiXxDd+L8fmA==',
    },
    places: [
      { file: 'index.js', from: 378, to: 379 },
      { file: 'index.js', from: 388, to: 388 },
    ],
    fault: 'Backslashes in the format are not escaped in the code that is compiled from it, so a format can run code.',
  },
  {
    name: 'minimist-1.2.5',
    registry: 'npm',
    package: 'minimist',
    newer: {
      version: '1.2.6',
      hash: 'sha512-Jsjnk4bw3YJqYzbdyBiNsPWHPfO++UGG749Cxs6peCu5Xg4nrena6OVxOYxrQTqww0Jmwt+Ref8rggumkTLz9Q==',
    },
    older: {
      version: '1.2.5',
      hash: 'sha512-FM9nNUYrRBAELZQT3xeZQ7fmMOBg6nWNmJKTcgsJeaLstP/UODVpGsr5OhXhhXg6f+qtJ8uiZ+PUxkDWcgIXLw==',
    },
    places: [
      { file: 'index.js', from: 73, to: 73 },
      { file: 'index.js', from: 82, to: 82 },
    ],
    fault: 'Keys that name the constructor can change its prototype.',
    without: ['readme.markdown'],
  },
  {
    name: 'forwarded-0.1.0',
    registry: 'npm',
    package: 'forwarded',
    newer: {
      version: '0.1.1',
      hash: 'sha512-G6EmO0EsSSQzV4GbnJMjkMOhLjyhrQQnNbC4ZW+3PRS6xajSJlk7AdRu0dECQZwSzuXx0whg16ll5ISajv64qw==',
    },
    older: {
      version: '0.1.0',
      hash: 'sha512-h17abE+9l03GtF7H+Tdf/exIbFnOgiOieYrtBfleXuDTU3jGncrv4oLOIuXnFPveDuQPd9kd3MGkhKaMGoQwOA==',
    },
    places: [{ file: 'index.js', from: 26, to: 29 }],
    fault: 'Blanks before the first and after the last address are kept as parts of the address.',
  },
  {
    name: 'decode-uri-component-0.2.0',
    registry: 'npm',
    package: 'decode-uri-component',
    newer: {
      version: '0.2.1',
      hash: 'sha512-XZHyaFJ6QMWhYmlz+UcmtaLeecNiXwkTGzCqG5WByt+1P1HnU6Siwf0TeP3OsZmlnGqQRSEMIxue0LLCaGY3dw==',
    },
    older: {
      version: '0.2.0',
      hash: 'sha512-hjf+xovcEn31w/EUYdTXQh/8smFL/dzYjohQGEIgjyNavaJfBY2p5F527Bo1VPATxv0VYTUC2bOcXvqFwk78Og==',
    },
    places: [
      { file: 'index.js', from: 9, to: 9 },
      { file: 'index.js', from: 31, to: 31 },
      { file: 'index.js', from: 36, to: 36 },
    ],
    fault: 'A result without a match is null, and a string is returned where an array is joined, so some inputs throw.',
  },
  {
    name: 'express-4.19.1',
    registry: 'npm',
    package: 'express',
    newer: {
      version: '4.19.2',
      hash: 'sha512-5T6nhjsT+EOMzuck8JjBHARTHfMht0POzlA60WV2pMD3gyXw2LZnZ+ueGdNxG+0calOJcWKbpFcuzLZ91YWq9Q==',
    },
    older: {
      version: '4.19.1',
      hash: 'sha512-K4w1/Bp7y8iSiVObmCrtq8Cs79XjJc/RU2YYkZQ7wpUu5ZyZ7MtPHkqoMz4pf+mgXfNvo2qft8D9OnrH2ABk9w==',
    },
    places: [{ file: 'lib/response.js', from: 908, to: 933 }],
    fault:
      'The host of a redirect is encoded as well, or returned unencoded, so a check of the address can be bypassed.',
  },
  {
    name: 'tough-cookie-4.1.2',
    registry: 'npm',
    package: 'tough-cookie',
    newer: {
      version: '4.1.3',
      hash: 'sha512-aX/y5pVRkfRnfmuX+OdbSdXvPe6ieKX/G2s7e98f4poJHnqH3281gDPm/metm6E/WRamfx7WC4HUqkWHfQHprw==',
    },
    older: {
      version: '4.1.2',
      hash: 'sha512-G9fqXWoYFZgTc2z8Q5zaHy/vJMjm+WV0AkAeHxVCQiEB1b+dGvWzFW6QV07cY5jQ5gRkeid2qIkzkxUnmoQZUQ==',
    },
    places: [
      { file: 'lib/memstore.js', from: 42, to: 42 },
      { file: 'lib/memstore.js', from: 114, to: 117 },
      { file: 'lib/memstore.js', from: 149, to: 149 },
    ],
    fault: 'Cookies are kept in ordinary objects, so a domain named __proto__ changes the prototype of all objects.',
  },
  {
    name: 'ws-8.17.0',
    registry: 'npm',
    package: 'ws',
    newer: {
      version: '8.17.1',
      hash: 'sha512-6XQFvXTkbfUOZOKKILFG1PDK2NDQs4azKQl26T0YS5CxqWLgXajbPZ+h4gZekJyRqFU8pvnbAbbs/3TgRPy+GQ==',
    },
    older: {
      version: '8.17.0',
      hash: 'sha512-uJq6108EgZMAl20KagGkzCKfMEjxmKvZHG7Tlq0Z6nOky7YF7aq4mOx6xK8TJ/i1LeK4Qus7INktacctDgY8Ow==',
    },
    places: [
      { file: 'lib/websocket-server.js', from: 246, to: 246 },
      { file: 'lib/websocket.js', from: 931, to: 931 },
    ],
    fault: 'A request without an Upgrade header ends the process, as its value is used without a check.',
  },
  {
    name: 'shell-quote-1.7.2',
    registry: 'npm',
    package: 'shell-quote',
    newer: {
      version: '1.7.3',
      hash: 'sha512-Vpfqwm4EnqGdlsBFNmHhxhElJYrdfcxPThu+ryKS5J8L/fhAwLazFZtq+S+TWZ9ANj2piSQLGj6NQg+lKPmxrw==',
    },
    older: {
      version: '1.7.2',
      hash: 'sha512-mRz/m/JVscCrkMyPqHc/bczi3OQHkLTqXHEFu0zDhK/qfv3UcOA4SVmRCLmos4bhjr9ekVQubj/R7waKapmiQg==',
    },
    places: [{ file: 'index.js', from: 13, to: 13 }],
    fault: 'The range of letters of a drive includes characters between Z and a, so a backquote is left unescaped.',
  },
  {
    name: 'cors-2.8.4',
    registry: 'npm',
    package: 'cors',
    newer: {
      version: '2.8.5',
      hash: 'sha512-KIHbLJqu73RGr/hnbrO9uBeixNGuvSQjul/jdFvS/KFSIH1hWVd1ng7zOHx+YrEfInLG7q4n6GHQ9cDtxv/P6g==',
    },
    older: {
      version: '2.8.4',
      hash: 'sha512-ZEDmjGp8X+Slw7pFoWntR1aGcULLoVeKzcyTdR8dfP4LcVooO6oQ2n/vElN7L2RmoJ7mpJGGiseaDr3m3g85eg==',
    },
    places: [{ file: 'lib/index.js', from: 134, to: 134 }],
    fault: 'A maximum age of 0 is ignored.',
  },
  {
    name: 'werkzeug-3.0.0',
    registry: 'pypi',
    package: 'werkzeug',
    newer: { version: '3.0.1', hash: 'sha256:90a285dc0e42ad56b34e696398b8122ee4c681833fb35b8334a095d82c56da10' },
    older: { version: '3.0.0', hash: 'sha256:cbb2600f7eabe51dbc0502f58be0b3e1b96b893b05695ea2b35b43d4de2d9962' },
    places: [{ file: 'werkzeug/sansio/multipart.py', from: 254, to: 262 }],
    fault: 'Data without a line break is kept and searched again for each piece, which takes quadratic time.',
  },
  {
    name: 'itsdangerous-2.1.0',
    registry: 'pypi',
    package: 'itsdangerous',
    newer: { version: '2.1.1', hash: 'sha256:935642cd4b987cdbee7210080004033af76306757ff8b4c0a506a4b6e06f02cf' },
    older: { version: '2.1.0', hash: 'sha256:29285842166554469a56d427addc0843914172343784cb909695fdbe90a3e129' },
    places: [{ file: 'itsdangerous/timed.py', from: 127, to: 127 }],
    fault: 'A malformed timestamp beside a bad signature raises ValueError instead of BadTimeSignature.',
  },
  {
    name: 'requests-2.30.0',
    registry: 'pypi',
    package: 'requests',
    newer: { version: '2.31.0', hash: 'sha256:58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003f' },
    older: { version: '2.30.0', hash: 'sha256:10e94cc4f3121ee6da529d358cdaeaff2f1c409cd377dbc72b825852f2f7e294' },
    places: [{ file: 'requests/sessions.py', from: 327, to: 328 }],
    fault: 'Credentials of the proxy are added to requests that go through a tunnel, so the destination gets them.',
  },
  {
    name: 'requests-2.32.3',
    registry: 'pypi',
    package: 'requests',
    newer: { version: '2.32.4', hash: 'sha256:27babd3cda2a6d50b30443204ee89830707d396671944c998b5975b031ac2b2c' },
    older: { version: '2.32.3', hash: 'sha256:70761cfe03c773ceb22aa2f671b4757976145175cdfca038c02654d061d6dcc6' },
    places: [
      { file: 'requests/utils.py', from: 236, to: 244 },
      { file: 'requests/utils.py', from: 139, to: 140 },
    ],
    fault:
      'The host is cut at the first colon of the network location, so an address can select the credentials of another host; text is measured as UTF-8 even where it is sent as Latin-1.',
  },
  {
    name: 'pyjwt-2.10.0',
    registry: 'pypi',
    package: 'pyjwt',
    newer: { version: '2.10.1', hash: 'sha256:dcdd193e30abefd5debf142f9adfcdd2b58004e644f25406ffaebd50bd98dacb' },
    older: { version: '2.10.0', hash: 'sha256:543b77207db656de204372350926bed5a86201c4cbff159f623f79c7bb487a15' },
    places: [{ file: 'jwt/api_jwt.py', from: 422, to: 427 }],
    fault: 'A string is a sequence, too, so an issuer that is a part of the expected one is accepted.',
  },
  {
    name: 'urllib3-1.26.16',
    registry: 'pypi',
    package: 'urllib3',
    newer: { version: '1.26.17', hash: 'sha256:94a757d178c9be92ef5539b8840d48dc9cf1b2709c9d6b588232a055c524458b' },
    older: { version: '1.26.16', hash: 'sha256:8d36afa7616d8ab714608411b4a3b13e58f463aee519024578e062e141dce20f' },
    places: [{ file: 'urllib3/util/retry.py', from: 238, to: 238 }],
    fault: 'The Cookie header is sent on to another host after a redirect.',
  },
  {
    name: 'urllib3-1.26.17',
    registry: 'pypi',
    package: 'urllib3',
    newer: { version: '1.26.18', hash: 'sha256:34b97092d7e0a3a8cf7cd10e386f401b3737364026c45e622aa02903dffe0f07' },
    older: { version: '1.26.17', hash: 'sha256:94a757d178c9be92ef5539b8840d48dc9cf1b2709c9d6b588232a055c524458b' },
    places: [
      { file: 'urllib3/connectionpool.py', from: 844, to: 848 },
      { file: 'urllib3/poolmanager.py', from: 384, to: 389 },
    ],
    fault: 'After a redirect with status 303 the body of the request is sent again.',
  },
  {
    name: 'flask-2.3.1',
    registry: 'pypi',
    package: 'flask',
    newer: { version: '2.3.2', hash: 'sha256:77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0' },
    older: { version: '2.3.1', hash: 'sha256:8ba2a854608fdd603b67dccd4514a46450132227fb9df40127a8d0c1de8769ec' },
    places: [
      { file: 'flask/sessions.py', from: 331, to: 350 },
      { file: 'flask/sessions.py', from: 354, to: 365 },
    ],
    fault:
      'The Vary header is missing if the session is empty or only refreshed, so a proxy can give it to another user.',
  },
  {
    name: 'jinja2-3.1.5',
    registry: 'pypi',
    package: 'jinja2',
    newer: { version: '3.1.6', hash: 'sha256:85ece4451f492d0c13c5dd7c13a64681a86afae63a5f347908daf103ce6d2f67' },
    older: { version: '3.1.5', hash: 'sha256:aba0f4dc9ed8013c424088f68a5c226f7d6097ed89b246d7749c2ec4175c6adb' },
    places: [{ file: 'jinja2/filters.py', from: 1421, to: 1438 }],
    fault:
      'The filter gets the attribute without the checks of the sandbox, so a template can call format of a string.',
  },
  {
    name: 'python-multipart-0.0.17',
    registry: 'pypi',
    package: 'python-multipart',
    newer: { version: '0.0.18', hash: 'sha256:efe91480f485f6a361427a541db4796f9e1591afc0fb8e7a4ba06bfbc6708996' },
    older: { version: '0.0.17', hash: 'sha256:15dc4f487e0a9476cc1201261188ee0940165cffc94429b6fc565c4d3045cb5d' },
    places: [{ file: 'python_multipart/multipart.py', from: 1400, to: 1404 }],
    fault: 'Data after the last boundary is read byte by byte with a log line for each, which blocks the process.',
  },
  {
    name: 'h11-0.14.0',
    registry: 'pypi',
    package: 'h11',
    newer: { version: '0.16.0', hash: 'sha256:63cf8bbe7522de3bf65932fda1d9c2772064ffb3dae62d55932da54b31cb6c86' },
    older: { version: '0.14.0', hash: 'sha256:e3fe4ac4b851c468cc8363d500db52c2ead036020723024a109d37346efaa761' },
    places: [
      { file: 'h11/_readers.py', from: 151, to: 172 },
      { file: 'h11/_readers.py', from: 197, to: 197 },
    ],
    fault: 'Two bytes after a chunk are discarded without a look at them, so requests can be smuggled.',
  },
];
