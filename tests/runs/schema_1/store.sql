BEGIN TRANSACTION;
CREATE TABLE generation (
	request_key TEXT NOT NULL, 
	text TEXT, 
	finish_reason TEXT, 
	tokens_in INTEGER, 
	tokens_out INTEGER, 
	seconds FLOAT, 
	error TEXT, 
	PRIMARY KEY (request_key)
);
INSERT INTO "generation" VALUES('6bf05beac57370011bc18cd29d8a2e7704aca3f347b0749063c353f6e5165d3f','長い答えです。',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES('fea1ae29de31b3864a4bf52f4c3f10d9f140cc22ee6c0762c7aee6f9dc804d9a','二番目の答えです。',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES('acea49199ff259611aa458cc42aeb0c3c1c64e502d89f693aa0e73b344e48c8b','三番目です。',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES('ef09cc56f1a6263e33b966fae7e68bc6c19b38ec00fc78b0199a253a0df95c33','別の答え。',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES('2d366560fc266b0617dc0f0fed3927ebdd2cd928a9b06d6127f6b619a7d78f23','また別の答え。',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES('523354d44f4649a08c0f297be6fa5fb505ac38eb4fb634eec6838e0ded4a16ff',NULL,'stop',NULL,NULL,NULL,'no answer in answers.csv');
CREATE TABLE judgement (
	"key" TEXT NOT NULL, 
	request_key TEXT NOT NULL, 
	judge TEXT NOT NULL, 
	judge_fingerprint TEXT NOT NULL, 
	repeat INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	score FLOAT, 
	reason TEXT, 
	rationale TEXT, 
	raw TEXT, 
	version TEXT, 
	cost FLOAT, 
	PRIMARY KEY ("key")
);
INSERT INTO "judgement" VALUES('818328fea411f47f6d02d0ef5c4c4642fd557a410d93c2ed48599df8a7732213','6bf05beac57370011bc18cd29d8a2e7704aca3f347b0749063c353f6e5165d3f','rules','rules/1/d83f78f33fd7bef6',0,'scored',1.0,NULL,'3 checks passed',NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('e548c092be54b1eb8cb6140b59e08a1edfeae9f3287e47cabfdfd0ae24cf5c15','6bf05beac57370011bc18cd29d8a2e7704aca3f347b0749063c353f6e5165d3f','human:ratings.csv','human.v1 sha256=799c81f56b8a7c186f27d14736fdf0a96a4144f5083c00d67ccf68a68c4176ed scale=1-5 model=first',0,'scored',4.0,NULL,'A: good',NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('69dd37c78a70cba7c7a1a9d8ca4172466457c3e2c33d13ca5358874bb6407b0a','fea1ae29de31b3864a4bf52f4c3f10d9f140cc22ee6c0762c7aee6f9dc804d9a','rules','rules/1/d83f78f33fd7bef6',0,'scored',1.0,NULL,'3 checks passed',NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('37491884f4109624efe795b0cb31bec7da1b52170e343e29c405d824b6afed76','fea1ae29de31b3864a4bf52f4c3f10d9f140cc22ee6c0762c7aee6f9dc804d9a','human:ratings.csv','human.v1 sha256=799c81f56b8a7c186f27d14736fdf0a96a4144f5083c00d67ccf68a68c4176ed scale=1-5 model=first',0,'scored',2.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('f33e6c1cab728f9977eb63cdea20019efcee051a826bda9ea0b3537668a818d3','acea49199ff259611aa458cc42aeb0c3c1c64e502d89f693aa0e73b344e48c8b','rules','rules/1/d83f78f33fd7bef6',0,'scored',1.0,NULL,'3 checks passed',NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('4f92e6d5360caed1cf77fed01bb373cbfac0b685eaac75a1d3ccd4a634c3655a','acea49199ff259611aa458cc42aeb0c3c1c64e502d89f693aa0e73b344e48c8b','human:ratings.csv','human.v1 sha256=799c81f56b8a7c186f27d14736fdf0a96a4144f5083c00d67ccf68a68c4176ed scale=1-5 model=first',0,'unscored',NULL,'no rating in ratings.csv',NULL,NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('e7fc3c1bc3172f262b44ca909fa10aad6a196c1d05213cc4d5486b18b938beae','ef09cc56f1a6263e33b966fae7e68bc6c19b38ec00fc78b0199a253a0df95c33','rules','rules/1/d83f78f33fd7bef6',0,'scored',1.0,NULL,'3 checks passed',NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('cd590598e9a567c28f72b6a9166c682db7f6c1ec0dd16722b593c89ce86957a1','ef09cc56f1a6263e33b966fae7e68bc6c19b38ec00fc78b0199a253a0df95c33','human:ratings.csv','human.v1 sha256=799c81f56b8a7c186f27d14736fdf0a96a4144f5083c00d67ccf68a68c4176ed scale=1-5 model=second',0,'scored',5.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('0cfb81853ffe9a0e6a5467a527a1c65e041e791b23a5c89156ef5514378d2b93','2d366560fc266b0617dc0f0fed3927ebdd2cd928a9b06d6127f6b619a7d78f23','rules','rules/1/d83f78f33fd7bef6',0,'scored',1.0,NULL,'3 checks passed',NULL,NULL,NULL);
INSERT INTO "judgement" VALUES('777ab2cf956ad3e15e1e42372a70bc41b109a1d2b445000c2e8379af9a48a073','2d366560fc266b0617dc0f0fed3927ebdd2cd928a9b06d6127f6b619a7d78f23','human:ratings.csv','human.v1 sha256=799c81f56b8a7c186f27d14736fdf0a96a4144f5083c00d67ccf68a68c4176ed scale=1-5 model=second',0,'unscored',NULL,'no rating in ratings.csv',NULL,NULL,NULL,NULL);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','1');
CREATE TABLE plan_request (
	"plan" TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	task TEXT NOT NULL, 
	sample_id TEXT NOT NULL, 
	model TEXT NOT NULL, 
	prompt TEXT, 
	repeat INTEGER NOT NULL, 
	request_key TEXT NOT NULL, 
	PRIMARY KEY ("plan", position)
);
INSERT INTO "plan_request" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e',0,'own','0','first',NULL,0,'6bf05beac57370011bc18cd29d8a2e7704aca3f347b0749063c353f6e5165d3f');
INSERT INTO "plan_request" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e',1,'own','1','first',NULL,0,'fea1ae29de31b3864a4bf52f4c3f10d9f140cc22ee6c0762c7aee6f9dc804d9a');
INSERT INTO "plan_request" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e',2,'own','2','first',NULL,0,'acea49199ff259611aa458cc42aeb0c3c1c64e502d89f693aa0e73b344e48c8b');
INSERT INTO "plan_request" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e',3,'own','0','second',NULL,0,'ef09cc56f1a6263e33b966fae7e68bc6c19b38ec00fc78b0199a253a0df95c33');
INSERT INTO "plan_request" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e',4,'own','1','second',NULL,0,'2d366560fc266b0617dc0f0fed3927ebdd2cd928a9b06d6127f6b619a7d78f23');
INSERT INTO "plan_request" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e',5,'own','2','second',NULL,0,'523354d44f4649a08c0f297be6fa5fb505ac38eb4fb634eec6838e0ded4a16ff');
CREATE TABLE plan_sample (
	"plan" TEXT NOT NULL, 
	task TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	PRIMARY KEY ("plan", task, position)
);
INSERT INTO "plan_sample" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e','own',0,'49b08e340d0a5aa376917745f1dae392446464084e9eeaacf5d371f250097a66');
INSERT INTO "plan_sample" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e','own',1,'fa6999ae577dc4301d932f36f87c4eaf3bc6765eda052590bed73ecbaee8cea1');
INSERT INTO "plan_sample" VALUES('80cdb2c82f461688e39e027b88f4d746bec4c7d8b1e0106447f0ab6f6e635e7e','own',2,'70a8ecffd20acc3e0622df97e1d9f45e68943d698905f2ac079d08f7aa45c6c9');
CREATE TABLE request (
	"key" TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "request" VALUES('6bf05beac57370011bc18cd29d8a2e7704aca3f347b0749063c353f6e5165d3f','{"rendered":{"bos":"once","format":"text","messages":[],"stop":[],"text_form":null},"sampling":{"max_new_tokens":512,"repetition_penalty":1.2,"seed":0,"temperature":0.0}}');
INSERT INTO "request" VALUES('fea1ae29de31b3864a4bf52f4c3f10d9f140cc22ee6c0762c7aee6f9dc804d9a','{"rendered":{"bos":"once","format":"text","messages":[],"stop":[],"text_form":null},"sampling":{"max_new_tokens":512,"repetition_penalty":1.2,"seed":0,"temperature":0.0}}');
INSERT INTO "request" VALUES('acea49199ff259611aa458cc42aeb0c3c1c64e502d89f693aa0e73b344e48c8b','{"rendered":{"bos":"once","format":"text","messages":[],"stop":[],"text_form":null},"sampling":{"max_new_tokens":512,"repetition_penalty":1.2,"seed":0,"temperature":0.0}}');
INSERT INTO "request" VALUES('ef09cc56f1a6263e33b966fae7e68bc6c19b38ec00fc78b0199a253a0df95c33','{"rendered":{"bos":"once","format":"text","messages":[],"stop":[],"text_form":null},"sampling":{"max_new_tokens":512,"repetition_penalty":1.2,"seed":0,"temperature":0.0}}');
INSERT INTO "request" VALUES('2d366560fc266b0617dc0f0fed3927ebdd2cd928a9b06d6127f6b619a7d78f23','{"rendered":{"bos":"once","format":"text","messages":[],"stop":[],"text_form":null},"sampling":{"max_new_tokens":512,"repetition_penalty":1.2,"seed":0,"temperature":0.0}}');
INSERT INTO "request" VALUES('523354d44f4649a08c0f297be6fa5fb505ac38eb4fb634eec6838e0ded4a16ff','{"rendered":{"bos":"once","format":"text","messages":[],"stop":[],"text_form":null},"sampling":{"max_new_tokens":512,"repetition_penalty":1.2,"seed":0,"temperature":0.0}}');
CREATE TABLE sample (
	digest TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "sample" VALUES('49b08e340d0a5aa376917745f1dae392446464084e9eeaacf5d371f250097a66','{"cluster":null,"criteria":null,"id":"0","inputs":{"input":"\u554f\u3044\u4e00"},"reference":"\u7b54\u3048\u4e00","rules":[],"tags":[]}');
INSERT INTO "sample" VALUES('fa6999ae577dc4301d932f36f87c4eaf3bc6765eda052590bed73ecbaee8cea1','{"cluster":null,"criteria":null,"id":"1","inputs":{"input":"\u554f\u3044\u4e8c"},"reference":"\u7b54\u3048\u4e8c","rules":[],"tags":[]}');
INSERT INTO "sample" VALUES('70a8ecffd20acc3e0622df97e1d9f45e68943d698905f2ac079d08f7aa45c6c9','{"cluster":null,"criteria":null,"id":"2","inputs":{"input":"\u554f\u3044\u4e09"},"reference":"\u7b54\u3048\u4e09","rules":[],"tags":[]}');
CREATE INDEX ix_judgement_request_key ON judgement (request_key);
COMMIT;
