package stasis.image;

import static java.lang.constant.ConstantDescs.CD_Boolean;
import static java.lang.constant.ConstantDescs.CD_Integer;
import static java.lang.constant.ConstantDescs.CD_Long;
import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Map;

/// Writes one small hidden class per record instead of method handles: those would make the VM spin several classes for
/// every constructor shape, three times the time of a cold start.
final class AccessGenerator {
  private static final ClassDesc INTERFACE = ClassDesc.of(RecordAccess.class.getName());
  /// Primitive type to its box, and the box's method that gives the primitive back.
  private static final Map<Class<?>, Box> BOXES = Map.of(
      int.class, new Box(CD_int, CD_Integer, "intValue"),
      long.class, new Box(CD_long, CD_Long, "longValue"),
      boolean.class, new Box(CD_boolean, CD_Boolean, "booleanValue"));

  private final MethodHandles.Lookup lookup;

  private record Box(ClassDesc primitive, ClassDesc box, String unboxing) {}

  AccessGenerator(MethodHandles.Lookup lookup) {
    this.lookup = lookup;
  }

  /// @throws IllegalArgumentException when the lookup's class could not name the record
  RecordAccess access(Class<?> type) {
    try {
      lookup.accessClass(type);
      if (Modifier.isPrivate(type.getModifiers()) && type.getNestHost() != lookup.lookupClass().getNestHost()) {
        throw new IllegalAccessException(type.getName() + " is private");
      }
      MethodHandles.Lookup generated =
          lookup.defineHiddenClass(bytes(type), true, MethodHandles.Lookup.ClassOption.NESTMATE);
      return instance(generated);
    } catch (IllegalAccessException e) {
      throw new IllegalArgumentException(type.getName() + " is not visible to its lookup", e);
    }
  }

  /// By handle: core reflection would want the record's package exported to us.
  private static RecordAccess instance(MethodHandles.Lookup generated) {
    try {
      return (RecordAccess) generated.findConstructor(generated.lookupClass(), MethodType.methodType(void.class))
          .asType(MethodType.methodType(RecordAccess.class)).invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("a generated class has a constructor", e);
    }
  }

  private byte[] bytes(Class<?> type) {
    String name = lookup.lookupClass().getPackageName() + "." + type.getSimpleName() + "Access";
    RecordComponent[] components = type.getRecordComponents();
    return ClassFile.of().build(ClassDesc.of(name), built -> {
      built.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SUPER | ClassFile.ACC_PUBLIC);
      built.withInterfaceSymbols(INTERFACE);
      built.withMethodBody("<init>", MethodTypeDesc.of(CD_void), ClassFile.ACC_PUBLIC, code ->
          code.aload(0).invokespecial(CD_Object, "<init>", MethodTypeDesc.of(CD_void)).return_());
      built.withMethodBody("components", MethodTypeDesc.of(CD_Object.arrayType(), CD_Object), ClassFile.ACC_PUBLIC,
          code -> takeApart(code, type, components));
      built.withMethodBody("construct", MethodTypeDesc.of(CD_Object, CD_Object.arrayType()), ClassFile.ACC_PUBLIC,
          code -> putTogether(code, type, components));
    });
  }

  private static void takeApart(CodeBuilder code, Class<?> type, RecordComponent[] components) {
    code.loadConstant(components.length).anewarray(CD_Object);
    for (int i = 0; i < components.length; i++) {
      ClassDesc part = describe(components[i].getType());
      code.dup().loadConstant(i).aload(1).checkcast(describe(type))
          .invokevirtual(describe(type), components[i].getName(), MethodTypeDesc.of(part));
      Box box = BOXES.get(components[i].getType());
      if (box != null) {
        code.invokestatic(box.box(), "valueOf", MethodTypeDesc.of(box.box(), box.primitive()));
      }
      code.aastore();
    }
    code.areturn();
  }

  private static void putTogether(CodeBuilder code, Class<?> type, RecordComponent[] components) {
    code.new_(describe(type)).dup();
    for (int i = 0; i < components.length; i++) {
      code.aload(1).loadConstant(i).aaload();
      Box box = BOXES.get(components[i].getType());
      if (box == null) {
        code.checkcast(describe(components[i].getType()));
      } else {
        code.checkcast(box.box()).invokevirtual(box.box(), box.unboxing(), MethodTypeDesc.of(box.primitive()));
      }
    }
    ClassDesc[] parameters =
        Arrays.stream(components).map(part -> describe(part.getType())).toArray(ClassDesc[]::new);
    code.invokespecial(describe(type), "<init>", MethodTypeDesc.of(CD_void, parameters)).areturn();
  }

  private static ClassDesc describe(Class<?> type) {
    return type.describeConstable().orElseThrow();
  }
}
